# `cmake --install BUILD` puts everything where Debian expects it; include() after cli/. The units
# name /usr/bin, so /usr is the default prefix; DESTDIR= stages a package.
if(CMAKE_INSTALL_PREFIX_INITIALIZED_TO_DEFAULT)
    set(CMAKE_INSTALL_PREFIX "/usr" CACHE PATH "Where to install" FORCE)
endif()
include(GNUInstallDirs)

install(TARGETS sidingd siding siding-backfilld RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")

set(units "${PROJECT_SOURCE_DIR}/systemd")
# Not CMAKE_INSTALL_LIBDIR: that is lib/x86_64-linux-gnu on Debian, and systemd reads only lib.
install(
    FILES
        "${units}/siding.service"
        "${units}/siding.socket"
        "${units}/siding-backfill.service"
    DESTINATION lib/systemd/system
)
install(FILES "${units}/siding.sysusers" DESTINATION lib/sysusers.d RENAME siding.conf)
install(FILES "${units}/siding.tmpfiles" DESTINATION lib/tmpfiles.d RENAME siding.conf)

set(manuals "${PROJECT_SOURCE_DIR}/docs/man")
install(FILES "${manuals}/siding.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
install(FILES "${manuals}/siding.yaml.5" DESTINATION "${CMAKE_INSTALL_MANDIR}/man5")
install(FILES "${manuals}/sidingd.8" "${manuals}/siding-backfilld.8" DESTINATION "${CMAKE_INSTALL_MANDIR}/man8")

install(
    FILES "${PROJECT_SOURCE_DIR}/config/siding.example.yaml"
    DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples"
)
install(
    DIRECTORY "${PROJECT_SOURCE_DIR}/docs/"
    DESTINATION "${CMAKE_INSTALL_DOCDIR}"
    FILES_MATCHING
    PATTERN "*.md"
)
install(
    FILES "${PROJECT_SOURCE_DIR}/README.md" "${PROJECT_SOURCE_DIR}/CHANGELOG.md"
          "${PROJECT_SOURCE_DIR}/LICENSE"
    DESTINATION "${CMAKE_INSTALL_DOCDIR}"
    OPTIONAL
)
