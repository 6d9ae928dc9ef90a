#include "systemd/notify.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace siding::systemd {
namespace {

// The manager's end: a datagram socket in a directory of its own.
class Manager : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = std::filesystem::temp_directory_path() / "siding-notify-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        const std::string path = directory_ / "notify";
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        ASSERT_LT(path.size(), sizeof address.sun_path);
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ASSERT_EQ(bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        setenv("NOTIFY_SOCKET", path.c_str(), 1);
    }

    void TearDown() override {
        for (const char* name :
             {"NOTIFY_SOCKET",
              "WATCHDOG_USEC",
              "WATCHDOG_PID",
              "LISTEN_FDS",
              "LISTEN_PID",
              "LISTEN_FDNAMES"}) {
            unsetenv(name);
        }
        close(socket_);
        std::filesystem::remove_all(directory_);
    }

    // What was sent and not read yet; a send to a local socket is there when it returns.
    std::string heard() {
        std::array<char, 4096> buffer{};
        const auto size = recv(socket_, buffer.data(), buffer.size(), 0);
        return size < 0 ? "nothing" : std::string{buffer.data(), static_cast<std::size_t>(size)};
    }

private:
    std::filesystem::path directory_;
    int socket_ = -1;
};

TEST_F(Manager, HearsOfReadinessWithAStatus) {
    notify_ready("listening on [::]:25");
    EXPECT_EQ(heard(), "READY=1\nSTATUS=listening on [::]:25");
    EXPECT_EQ(heard(), "nothing");
}

TEST_F(Manager, StatusCannotForgeAnotherAssignment) {
    notify_status("held 5\nWATCHDOG=1");
    EXPECT_EQ(heard(), "STATUS=held 5\\x0aWATCHDOG=1");
}

TEST_F(Manager, HearsOfReloadAndStop) {
    notify_reloading();
    EXPECT_TRUE(heard().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    notify_stopping();
    EXPECT_EQ(heard(), "STOPPING=1");
}

TEST_F(Manager, WatchdogOnlyWhenAskedFor) {
    EXPECT_FALSE(watchdog_interval());
    setenv("WATCHDOG_USEC", "30000000", 1);
    EXPECT_EQ(watchdog_interval(), std::chrono::seconds{30});
    setenv("WATCHDOG_PID", "1", 1);  // meant for another process
    EXPECT_FALSE(watchdog_interval());
    notify_watchdog();
    EXPECT_EQ(heard(), "WATCHDOG=1");
}

TEST_F(Manager, WithoutAManagerNothingHappens) {
    unsetenv("NOTIFY_SOCKET");
    notify_ready("x");
    notify_watchdog();
    EXPECT_EQ(heard(), "nothing");
    const auto sockets = inherited_sockets();
    ASSERT_TRUE(sockets);
    EXPECT_TRUE(sockets->empty());
}

// In a child, because descriptor 3 has to be ours.
int inherit_in_child(const char* count, const char* names) {
    const pid_t child = fork();
    if (child == 0) {
        const int listening = socket(AF_INET, SOCK_STREAM, 0);
        dup2(listening, 3);
        dup2(listening, 4);
        setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
        setenv("LISTEN_FDS", count, 1);
        setenv("LISTEN_FDNAMES", names, 1);
        const auto sockets = inherited_sockets();
        if (!sockets) {
            _exit(10);
        }
        const bool good = sockets->size() == 2 && (*sockets)[0].fd == 3 &&
                          (*sockets)[0].name == "smtp" && (*sockets)[1].name == "submission";
        const bool once = inherited_sockets()->empty();
        const bool closes = (fcntl(3, F_GETFD) & FD_CLOEXEC) != 0;
        _exit(good && once && closes ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(Manager, InheritedSocketsHaveNamesAndAreTakenOnce) {
    EXPECT_EQ(inherit_in_child("2", "smtp:submission"), 0);
}

TEST_F(Manager, NonsenseInTheEnvironmentIsAnError) {
    EXPECT_EQ(inherit_in_child("two", "smtp"), 10);
}

}  // namespace
}  // namespace siding::systemd
