# The Debian 12 packages that Siding needs, by what for; sourced by ./run and ./check.
# install_packages GROUP…: installs what is missing, through sudo when not root.

packages_build=(
    g++ cmake ninja-build ccache mold pkg-config
    libboost1.81-dev libboost-json1.81-dev libssl-dev librocksdb-dev libprotobuf-dev
    protobuf-compiler libyaml-cpp-dev libspdlog-dev libfmt-dev libcli11-dev prometheus-cpp-dev
    libsystemd-dev libxxhash-dev libidn2-dev libc-ares-dev libpsl-dev zlib1g-dev
    libzstd-dev
)
packages_test=(
    libgtest-dev libgmock-dev clang-format python3
    postfix rspamd swaks libnet-ssleay-perl sslscan testssl.sh nmap openssl
    nsd unbound dnsmasq-base ldnsutils bind9-dnsutils
    strace systemd zstd ca-certificates
)

install_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
            missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then
        return 0
    fi
    echo "Installing: ${missing[*]}"
    local sudo=()
    ((EUID == 0)) || sudo=(sudo)
    "${sudo[@]}" apt-get update -q >/dev/null
    # Postfix must not start or ask; the tests run instances of their own.
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        -o Dpkg::Options::=--force-confold "${missing[@]}" >/dev/null
}
