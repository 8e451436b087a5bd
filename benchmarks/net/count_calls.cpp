// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// A library to be loaded before all others (LD_PRELOAD): it stands between a program
// and the C library, and counts calls on a page of memory that the environment names.
// Nothing is stopped or slowed down, as it is under strace; a program that makes its
// system calls by itself, as Go's do, is not seen.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "call_counts.hpp"

// glibc's own names, which do not lead back here; dlsym() itself allocates.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace {

using bench::call;

constinit bench::call_page before_main;  // counts that nobody will see
constinit std::atomic<bench::call_page*> page{&before_main};

void count(call kind) { page.load(std::memory_order_relaxed)->count(kind); }

__attribute__((constructor)) void map_page() {
  const char* const name = std::getenv(bench::call_page_variable);
  const int file = name != nullptr ? open(name, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void* const memory = mmap(nullptr, sizeof(bench::call_page), PROT_READ | PROT_WRITE,
                            MAP_SHARED, file, 0);
  close(file);
  if (memory != MAP_FAILED) page = static_cast<bench::call_page*>(memory);
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// The few eventfds of a program: what is read from them is no data.
std::array<std::atomic<int>, 16> eventfds{};
std::atomic<std::size_t> eventfd_count{0};

bool is_eventfd(int fd) {
  for (std::size_t i = 0; i < eventfd_count.load() && i < eventfds.size(); ++i) {
    if (eventfds[i] == fd) return true;
  }
  return false;
}

ssize_t received(ssize_t result) {
  count(call::receive);
  if (result < 0) count(call::refused);
  return result;
}

}  // namespace

// NEXT(recv) is the C library's recv.
#define NEXT(name)                                          \
  ([] {                                                     \
    static auto* const found = next<decltype(name)>(#name); \
    return found;                                           \
  }())

extern "C" {

ssize_t recv(int fd, void* data, std::size_t size, int flags) {
  return received(NEXT(recv)(fd, data, size, flags));
}
ssize_t recvfrom(int fd, void* data, std::size_t size, int flags, sockaddr* from,
                 socklen_t* length) {
  return received(NEXT(recvfrom)(fd, data, size, flags, from, length));
}
ssize_t recvmsg(int fd, msghdr* message, int flags) {
  return received(NEXT(recvmsg)(fd, message, flags));
}
ssize_t read(int fd, void* data, std::size_t size) {
  if (is_eventfd(fd)) {
    count(call::wake);
    return NEXT(read)(fd, data, size);
  }
  return received(NEXT(read)(fd, data, size));
}
ssize_t readv(int fd, const iovec* parts, int n) {
  return received(NEXT(readv)(fd, parts, n));
}

int recvmmsg(int fd, mmsghdr* messages, unsigned n, int flags, timespec* timeout) {
  return static_cast<int>(received(NEXT(recvmmsg)(fd, messages, n, flags, timeout)));
}

ssize_t send(int fd, const void* data, std::size_t size, int flags) {
  count(call::send);
  return NEXT(send)(fd, data, size, flags);
}
ssize_t sendto(int fd, const void* data, std::size_t size, int flags,
               const sockaddr* to, socklen_t length) {
  count(call::send);
  return NEXT(sendto)(fd, data, size, flags, to, length);
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  count(call::send);
  return NEXT(sendmsg)(fd, message, flags);
}
int sendmmsg(int fd, mmsghdr* messages, unsigned n, int flags) {
  count(call::send);
  return NEXT(sendmmsg)(fd, messages, n, flags);
}
ssize_t write(int fd, const void* data, std::size_t size) {
  count(is_eventfd(fd) ? call::wake : call::send);
  return NEXT(write)(fd, data, size);
}
ssize_t writev(int fd, const iovec* parts, int n) {
  count(call::send);
  return NEXT(writev)(fd, parts, n);
}

int epoll_wait(int fd, epoll_event* events, int most, int timeout) {
  count(call::wait);
  return NEXT(epoll_wait)(fd, events, most, timeout);
}
int epoll_pwait(int fd, epoll_event* events, int most, int timeout,
                const sigset_t* signals) {
  count(call::wait);
  return NEXT(epoll_pwait)(fd, events, most, timeout, signals);
}
int epoll_pwait2(int fd, epoll_event* events, int most, const timespec* timeout,
                 const sigset_t* signals) {
  count(call::wait);
  return NEXT(epoll_pwait2)(fd, events, most, timeout, signals);
}
int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  count(call::control);
  return NEXT(epoll_ctl)(epoll, operation, fd, event);
}
int timerfd_settime(int fd, int flags, const itimerspec* value,
                    itimerspec* old) noexcept {
  count(call::timer);
  return NEXT(timerfd_settime)(fd, flags, value, old);
}
int eventfd(unsigned start, int flags) noexcept {
  const int fd = NEXT(eventfd)(start, flags);
  const std::size_t place = eventfd_count.fetch_add(1);
  if (place < eventfds.size()) eventfds[place] = fd;
  return fd;
}

void* malloc(std::size_t size) noexcept {
  count(call::allocate);
  return __libc_malloc(size);
}
void* calloc(std::size_t n, std::size_t size) noexcept {
  count(call::allocate);
  return __libc_calloc(n, size);
}
void* realloc(void* old, std::size_t size) noexcept {
  count(call::allocate);
  return __libc_realloc(old, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  count(call::allocate);
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** made, std::size_t alignment, std::size_t size) noexcept {
  count(call::allocate);
  *made = __libc_memalign(alignment, size);
  return *made != nullptr ? 0 : ENOMEM;
}

}  // extern "C"
