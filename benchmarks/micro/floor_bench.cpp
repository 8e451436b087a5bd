// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The floor under all coroutines here: recycled frames, one list of those that are ready,
// and nothing else. No cancel, no errors, no contexts, no names, no timers, no
// descriptors, and no way to see who waits for whom.

#include <benchmark/benchmark.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <utility>
#include <vector>

namespace {

constexpr int batch = 1000;

/// Frames of one size each, given back and taken again.
template <class Frame>
struct recycled {
  static void* operator new(std::size_t size) {
    if (free == nullptr) return ::operator new(size);
    return std::exchange(free, *static_cast<void**>(free));
  }
  static void operator delete(void* memory) noexcept {
    *static_cast<void**>(memory) = free;
    free = memory;
  }
  static inline thread_local constinit void* free = nullptr;
};

// ----- an await -----

/// Lazy: runs inside the await of its caller.
class bare {
 public:
  struct promise_type : recycled<bare> {
    bare get_return_object() { return bare(handle::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    struct end {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(
          std::coroutine_handle<promise_type> frame) const noexcept {
        return frame.promise().caller;
      }
      void await_resume() const noexcept {}
    };
    end final_suspend() const noexcept { return {}; }
    void return_value(int v) noexcept { value = v; }
    void unhandled_exception() const noexcept { std::terminate(); }

    std::coroutine_handle<> caller;
    int value = 0;
  };
  using handle = std::coroutine_handle<promise_type>;

  explicit bare(handle frame) noexcept : frame_(frame) {}
  bare(const bare&) = delete;
  bare& operator=(const bare&) = delete;
  ~bare() { frame_.destroy(); }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) const noexcept {
    frame_.promise().caller = caller;
    return frame_;
  }
  int await_resume() const noexcept { return frame_.promise().value; }

 private:
  handle frame_;
};

// ----- tasks -----

struct ready_node {
  ready_node* next = nullptr;
  std::coroutine_handle<> frame;
};

/// First in, first out.
class ready_list {
 public:
  void push(ready_node& node) noexcept {
    node.next = nullptr;
    *last_ = &node;
    last_ = &node.next;
  }
  void run() {
    while (first_ != nullptr) {
      ready_node& node = *first_;
      first_ = node.next;
      if (first_ == nullptr) last_ = &first_;
      node.frame.resume();
    }
  }

 private:
  ready_node* first_ = nullptr;
  ready_node** last_ = &first_;
};

ready_list ready;

/// Runs beside its creator; both share the frame.
template <int Kind>
class bare_task {
 public:
  struct promise_type;
  using handle = std::coroutine_handle<promise_type>;

  struct promise_type : recycled<bare_task> {
    bare_task get_return_object() {
      node.frame = handle::from_promise(*this);
      ready.push(node);
      return bare_task(handle::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    struct end {
      bool await_ready() const noexcept { return false; }
      void await_suspend(handle frame) const noexcept {
        promise_type& ended = frame.promise();
        ended.is_done = true;
        if (ended.waiter != nullptr && --*ended.left == 0) ready.push(*ended.waiter);
        if (--ended.owners == 0) frame.destroy();
      }
      void await_resume() const noexcept {}
    };
    end final_suspend() const noexcept { return {}; }
    void return_value(int v) noexcept { value = v; }
    void unhandled_exception() const noexcept { std::terminate(); }

    ready_node node;
    ready_node* waiter = nullptr;
    std::size_t* left = nullptr;  ///< how many ends the waiter still waits for
    std::uint32_t owners = 2;     ///< the list and the handle
    bool is_done = false;
    int value = 0;
  };

  explicit bare_task(handle frame) noexcept : frame_(frame) {}
  bare_task(bare_task&& other) noexcept
      : frame_(std::exchange(other.frame_, nullptr)) {}
  bare_task& operator=(bare_task&&) = delete;
  ~bare_task() {
    if (frame_ && --frame_.promise().owners == 0) frame_.destroy();
  }

  promise_type& state() const noexcept { return frame_.promise(); }

 private:
  handle frame_;
};

/// Waits until none of the tasks is left.
template <class Tasks>
class all_of {
 public:
  explicit all_of(Tasks& tasks) noexcept : tasks_(tasks) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller) noexcept {
    node_.frame = caller;
    for (auto& one : tasks_) {
      if (one.state().is_done) continue;
      one.state().waiter = &node_;
      one.state().left = &left_;
      ++left_;
    }
  }
  void await_resume() const noexcept {}

 private:
  Tasks& tasks_;
  ready_node node_;
  std::size_t left_ = 0;
};

struct give_way {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller) noexcept {
    node.frame = caller;
    ready.push(node);
  }
  void await_resume() const noexcept {}

  ready_node node;
};

[[gnu::noinline]] bare bare_ready() { co_return 1; }
[[gnu::noinline]] bare_task<0> ready_task() { co_return 1; }
[[gnu::noinline]] bare_task<1> task_of_two_steps() {
  co_await give_way();
  co_return 1;
}

struct outermost {
  struct promise_type {
    outermost get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

outermost await_ready_child(benchmark::State& state) {
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) {
      const int value = co_await bare_ready();
      benchmark::DoNotOptimize(value);
    }
  }
}

outermost switch_until(const bool& stop) {
  while (!stop) co_await give_way();
}

outermost switch_tasks(benchmark::State& state) {
  bool stop = false;
  switch_until(stop);
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch / 2; ++i) co_await give_way();
  }
  stop = true;
  co_await give_way();
}

outermost create_and_join(benchmark::State& state) {
  while (state.KeepRunningBatch(batch)) {
    for (int i = 0; i < batch; ++i) {
      bare_task<0> one[] = {ready_task()};
      co_await all_of(one);
      benchmark::DoNotOptimize(one[0].state().value);
    }
  }
}

outermost gather_many(benchmark::State& state) {
  while (state.KeepRunningBatch(batch)) {
    std::vector<bare_task<1>> tasks;
    tasks.reserve(batch);
    for (int i = 0; i < batch; ++i) tasks.push_back(task_of_two_steps());
    co_await all_of(tasks);
    std::vector<int> values;
    values.reserve(batch);
    for (auto& one : tasks) values.push_back(one.state().value);
    benchmark::DoNotOptimize(values.data());
  }
}

template <outermost (*body)(benchmark::State&)>
void run(benchmark::State& state) {
  body(state);
  ready.run();
}

BENCHMARK(run<await_ready_child>)->Name("bare coroutine: await a ready child");
BENCHMARK(run<switch_tasks>)->Name("bare coroutine: switch of two");
BENCHMARK(run<create_and_join>)->Name("bare coroutine: create and join");
BENCHMARK(run<gather_many>)->Name("bare coroutine: gather of 1000 that suspend once");

}  // namespace
