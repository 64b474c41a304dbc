// Finding and running snnc.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/Descriptor.h"
#include "runtime/data/Errors.h"
#include "runtime/tools/ToolSupport.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace snn;
using namespace snn::tools;

namespace {

bool isProgram(const std::filesystem::path &path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

/// Keeps all signals back in this thread.
class SignalsBlocked {
public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
  SignalsBlocked(const SignalsBlocked &) = delete;
  SignalsBlocked &operator=(const SignalsBlocked &) = delete;

  sigset_t before;
};

/// In the child: the program, or the end. Only calls that are safe between fork and exec.
[[noreturn]] void becomeProgram(char *const *arguments, pid_t parent, const sigset_t &signals, int failure) {
  struct sigaction usual = {};
  usual.sa_handler = SIG_DFL;
  sigaction(SIGTERM, &usual, nullptr); // it may have been ignored
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) // it ended before it could be watched
    _exit(127);
  pthread_sigmask(SIG_SETMASK, &signals, nullptr);
  execv(arguments[0], arguments);
  int code = errno;
  [[maybe_unused]] ssize_t written = write(failure, &code, sizeof(code));
  _exit(127);
}

} // namespace

std::string tools::findProgram(const std::string &name) {
  std::error_code error;
  std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error && isProgram(self.parent_path() / name))
    return (self.parent_path() / name).string();
  const char *list = std::getenv("PATH");
  std::string folders = list ? list : "";
  for (size_t begin = 0; begin < folders.size();) {
    size_t end = std::min(folders.find(':', begin), folders.size());
    if (end > begin && isProgram(std::filesystem::path(folders.substr(begin, end - begin)) / name))
      return (std::filesystem::path(folders.substr(begin, end - begin)) / name).string();
    begin = end + 1;
  }
  throw DataError(fmt::format("{}: cannot be found: it is neither in {} nor in a folder of PATH", name,
                              error ? "the folder of this program" : self.parent_path().string()));
}

void tools::compileModel(const std::string &source, const std::string &library,
                         const std::vector<std::string> &definitions, const std::atomic<bool> &stop,
                         const std::vector<std::string> &flags) {
  std::vector<std::string> words = {findProgram("snnc"), source, "-o", library};
  words.insert(words.end(), flags.begin(), flags.end());
  for (const std::string &definition : definitions) {
    words.push_back("-D");
    words.push_back(definition);
  }
  std::vector<char *> arguments;
  for (std::string &word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  auto fail = [&](int code) {
    throw DataError(fmt::format("{}: cannot be run to compile {}: {}", words[0], source, std::strerror(code)));
  };

  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    fail(errno);
  Descriptor failure(ends[0]), failureInChild(ends[1]);
  // A signal is handled while this waits in ppoll and nowhere else, so none comes between the look at `stop` and the
  // wait.
  SignalsBlocked signals;
  const pid_t self = getpid(), child = fork();
  if (child < 0)
    fail(errno);
  if (child == 0)
    becomeProgram(arguments.data(), self, signals.before, failureInChild.get());
  failureInChild = Descriptor();

  // Without pidfd_open (before Linux 5.3) it looks every 20 ms.
  Descriptor process(int(syscall(SYS_pidfd_open, child, 0)));
  const timespec interval = {0, 20'000'000};
  int status = 0;
  pid_t ended = 0;
  for (bool told = false; (ended = waitpid(child, &status, WNOHANG)) == 0;) {
    if (stop && !told)
      told = kill(child, SIGTERM) == 0;
    pollfd end = {process.get(), POLLIN, 0};
    ppoll(&end, 1, process ? nullptr : &interval, &signals.before);
  }
  if (ended < 0)
    fail(errno);
  int code = 0;
  if (read(failure.get(), &code, sizeof(code)) == sizeof(code))
    fail(code);
  if (stop)
    return;
  if (WIFSIGNALED(status))
    throw ChildFailed{128 + WTERMSIG(status),
                      fmt::format("{}: was ended by signal {} ({}) while it compiled {}{}", words[0], WTERMSIG(status),
                                  strsignal(WTERMSIG(status)), source,
                                  WTERMSIG(status) == SIGKILL ? "; there may not have been enough memory" : "")};
  if (WEXITSTATUS(status) != 0)
    throw ChildFailed{WEXITSTATUS(status)};
}
