// What another project writes against aio: nothing but its public headers.

#if __has_include(<aio/task.hpp>)
#include <aio/task.hpp>
#else
#include <aio/detail/scope_exit.hpp>
#endif

int main() {}
