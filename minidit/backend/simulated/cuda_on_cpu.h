// Runs a CUDA C kernel on the CPU, one thread at a time, so that its mistakes show.
//
// A launch starts a grid of blocks, a block has up to 1024 threads, and 32 consecutive threads are a warp. On a GPU
// they run at the same time; here they take turns. Each CUDA thread is a fiber: it has a stack of its own, runs until
// it has to wait for others (at a barrier, in a shuffle) or returns, and then the scheduler at the end of this file
// picks the next. The next block starts when all threads of one have returned, as blocks can't wait for each other.
//
// CUDA promises nothing about order except at barriers, and the scheduler uses that freedom against the kernel: each
// warp runs as far ahead as it can without the others, and the seed of a launch shuffles blocks, warps and threads. A
// kernel that lacks a barrier then reads values that aren't there yet, or that another warp has overwritten already.
// Shared memory holds NaN when a block starts, and a barrier that some threads never reach is an error with a message.

#pragma once
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// ---- The words of CUDA C --------------------------------------------------------------------------------------------

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __launch_bounds__(...)
#define warpSize 32

// A block's shared arrays. As one block runs after the other, one copy serves all of them.
#define __shared__ static

// The linker puts all static arrays that start as zeros next to each other and names the ends of that section. So the
// scheduler finds the kernels' shared arrays, as long as its own variables lie elsewhere, and fills them with NaN. (The
// address sanitizer wants the bytes between arrays to stay as they are.)
#if defined(__ELF__) && !defined(__SANITIZE_ADDRESS__)
#define NOT_SHARED static __attribute__((section("cuda_on_cpu")))
extern "C" __attribute__((visibility("hidden"))) char __bss_start[], _end[];
#define FIRST_SHARED __bss_start
#define LAST_SHARED _end
#else
#define NOT_SHARED static
#define FIRST_SHARED cpu::dynamic_shared
#define LAST_SHARED cpu::dynamic_shared
#endif

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x, y, z; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }

template <class A, class B> auto min(A a, B b) { return b < a ? b : a; }
template <class A, class B> auto max(A a, B b) { return a < b ? b : a; }
template <class T> T __ldg(const T* address) { return *address; }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __saturatef(float x) { return fminf(fmaxf(x, 0.0f), 1.0f); }
template <class To, class From> To same_bits(From value) {
    static_assert(sizeof(To) == sizeof(From), "of the same size");
    To result;
    memcpy(&result, &value, sizeof result);
    return result;
}
inline float __int_as_float(int x) { return same_bits<float>(x); }
inline int __float_as_int(float x) { return same_bits<int>(x); }

// Threads take turns and none is interrupted, so that plain code is atomic.
template <class T, class V> T atomicAdd(T* address, V value) {
    T before = *address;
    *address = before + value;
    return before;
}
template <class T, class V> T atomicMax(T* address, V value) {
    T before = *address;
    if (before < value) *address = value;
    return before;
}

// ---- Fibers: leaving one stack, going on with another ---------------------------------------------------------------

namespace cpu {

constexpr unsigned WARP = 32, MOST_THREADS = 1024;
constexpr size_t STACK_BYTES = 65536 + 320;  // not a power of two, or all stacks would compete for the same cache lines
constexpr size_t SHARED_BYTES = 49152;       // of dynamic shared memory, what every GPU has

void thread_main();

#if defined(__x86_64__) && !defined(MINIDIT_UCONTEXT)
// A fiber that isn't running is a stack whose top holds the registers that a function must preserve and the address to
// go on at. So it takes few instructions to switch, and unlike swapcontext no call to the system.
typedef void* Fiber;
extern "C" __attribute__((visibility("hidden"))) void switch_stack(Fiber* from, Fiber to) __asm__("cpu_switch_stack");
__asm__(R"(
    .text
cpu_switch_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    popq %rcx
    jmp *%rcx
)");
inline void switch_fiber(Fiber& from, Fiber& to) { switch_stack(&from, to); }
inline void make_fiber(Fiber& fiber, char* stack) {
    void** top = reinterpret_cast<void**>(stack + STACK_BYTES);  // a multiple of 16, as at every call
    *--top = nullptr;                                            // thread_main never returns
    *--top = reinterpret_cast<void*>(thread_main);
    for (int i = 0; i < 6; i++) *--top = nullptr;                // the six registers
    fiber = top;
}
#else
}  // namespace cpu
#include <ucontext.h>
namespace cpu {
typedef ucontext_t Fiber;
inline void switch_fiber(Fiber& from, Fiber& to) { swapcontext(&from, &to); }
inline void make_fiber(Fiber& fiber, char* stack) {
    getcontext(&fiber);
    fiber.uc_stack.ss_sp = stack;
    fiber.uc_stack.ss_size = STACK_BYTES;
    makecontext(&fiber, thread_main, 0);
}
#endif

// ---- Threads --------------------------------------------------------------------------------------------------------

enum class State { READY, AT_BARRIER, IN_WARP, RETURNED };  // IN_WARP: in __syncwarp or a shuffle

struct Thread {
    uint3 index;              // threadIdx
    State state;
    Fiber fiber;
    const char* file;         // where it waits
    int line;
    unsigned mask;            // IN_WARP: the lanes it waits for, one bit each;
    unsigned source;          // the lane whose value it wants;
    uint64_t sent, received;  // its own value, and that lane's
};

NOT_SHARED Thread threads[MOST_THREADS];  // of the block that runs
NOT_SHARED Thread* current;               // the one whose turn it is
NOT_SHARED Fiber scheduler;
NOT_SHARED uint3 block_index;
NOT_SHARED dim3 block_size, grid_size;
alignas(16) NOT_SHARED char dynamic_shared[SHARED_BYTES + 64];

// The current thread stops here until the scheduler lets it go on.
inline void wait(State state, const char* file, int line) {
    current->state = state;
    current->file = file;
    current->line = line;
    switch_fiber(current->fiber, scheduler);
}

inline unsigned lane() { return (current - threads) % WARP; }

// All lanes named by the mask meet; each leaves a value and takes that of another lane.
template <class T> T exchange(unsigned mask, T value, unsigned source, const char* file, int line) {
    static_assert(sizeof(T) <= 8, "a shuffle moves up to 8 bytes");
    current->mask = mask;
    current->source = source;
    memcpy(&current->sent, &value, sizeof value);
    wait(State::IN_WARP, file, line);
    memcpy(&value, &current->received, sizeof value);
    return value;
}

}  // namespace cpu

#define threadIdx (cpu::current->index)
#define blockIdx (cpu::block_index)
#define blockDim (cpu::block_size)
#define gridDim (cpu::grid_size)

// `file` and `line` are those of the call.
#define CALLED_FROM const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(CALLED_FROM) { cpu::wait(cpu::State::AT_BARRIER, file, line); }

inline void __syncwarp(unsigned mask = ~0u, CALLED_FROM) { cpu::exchange(mask, 0, cpu::lane(), file, line); }

// The warp is cut into groups of `width` lanes. A lane outside of the group is none: the value stays the thread's own.
template <class T> T __shfl_sync(unsigned mask, T value, int source, int width = 32, CALLED_FROM) {
    unsigned first = cpu::lane() / width * width;
    return cpu::exchange(mask, value, first + unsigned(source) % width, file, line);
}
template <class T> T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, CALLED_FROM) {
    unsigned lane = cpu::lane(), source = lane + delta;
    return cpu::exchange(mask, value, source / width == lane / width ? source : lane, file, line);
}
template <class T> T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, CALLED_FROM) {
    unsigned lane = cpu::lane(), inside = lane % width;
    return cpu::exchange(mask, value, delta <= inside ? lane - delta : lane, file, line);
}
template <class T> T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, CALLED_FROM) {
    unsigned lane = cpu::lane(), source = lane ^ lanes;
    return cpu::exchange(mask, value, source / width <= lane / width ? source : lane, file, line);
}

// ---- The scheduler --------------------------------------------------------------------------------------------------

namespace cpu {

NOT_SHARED void (*kernel)(const char* arguments);
NOT_SHARED const char* arguments;
NOT_SHARED char failure[600];  // the message, empty as long as all is well

// What every fiber runs. It outlives the thread: after one block it waits for its turn in the next.
inline void thread_main() {
    for (;;) {
        kernel(arguments);
        wait(State::RETURNED, nullptr, 0);
    }
}

struct Name { char text[120]; };
inline Name name_of(const Thread& thread) {
    Name name;
    snprintf(name.text, sizeof name.text, "thread (%u, %u, %u) of block (%u, %u, %u)", thread.index.x, thread.index.y,
             thread.index.z, block_index.x, block_index.y, block_index.z);
    return name;
}

inline bool fail_as_returned(const Thread& returned, const Thread& waiting, const char* what) {
    snprintf(failure, sizeof failure, "%s has returned, but %s waits for it at %s in %s, line %d",
             name_of(returned).text, name_of(waiting).text, what, waiting.file, waiting.line);
    return false;
}

inline bool fail_as_diverged(const Thread& a, const Thread& b) {
    auto place = [](const Thread& thread) { return thread.state == State::AT_BARRIER ? "barrier" : "warp operation"; };
    snprintf(failure, sizeof failure, "deadlock: %s waits at the %s in %s, line %d, and %s at the %s in %s, line %d",
             name_of(a).text, place(a), a.file, a.line, name_of(b).text, place(b), b.file, b.line);
    return false;
}

// 0, 1, ... count - 1, each once, in an order that depends on the seed: a walk around a circle in steps that have no
// divisor in common with its length. Seed 0 is the natural order.
struct Order {
    unsigned at, step, count;

    static unsigned random(unsigned& seed) { return (seed = seed * 1664525u + 1013904223u) >> 16; }
    static unsigned common_divisor(unsigned a, unsigned b) { return b ? common_divisor(b, a % b) : a; }

    Order(unsigned count, unsigned& seed) : at(0), step(1), count(count) {
        if (seed == 0 || count < 2) return;
        at = random(seed) % count;
        step = 1 + random(seed) % (count - 1);
        while (common_divisor(step, count) != 1) step++;
    }
    unsigned next() {
        unsigned found = at;
        at += step;
        if (at >= count) at -= count;
        return found;
    }
};

inline bool together(const Thread& a, const Thread& b) {
    return a.state == State::IN_WARP && b.state == State::IN_WARP && a.mask == b.mask && a.line == b.line;
}

// Whether all lanes that this one waits for have come to the same place.
inline bool complete(const Thread* warp, unsigned lanes, const Thread& thread) {
    for (unsigned lane = 0; lane < lanes; lane++)
        if (thread.mask >> lane & 1 && !together(thread, warp[lane])) return false;
    return true;
}

// Lets those lanes go on that wait for each other and are all there; returns how many.
inline int meet(Thread* warp, unsigned lanes) {
    int released = 0;
    for (unsigned first = 0; first < lanes; first++) {
        Thread& thread = warp[first];
        bool lowest = thread.mask << (31 - first) == 1u << 31;  // each group is dealt with once, at its lowest lane
        if (thread.state != State::IN_WARP || !lowest || !complete(warp, lanes, thread)) continue;
        unsigned mask = thread.mask;
        for (unsigned lane = first; lane < lanes; lane++) {
            if (!(mask >> lane & 1)) continue;
            Thread& member = warp[lane];
            bool there = member.source < lanes && mask >> member.source & 1;
            member.received = there ? warp[member.source].sent : ~uint64_t(0);  // NaN where no lane has sent
            member.state = State::READY;
            released++;
        }
    }
    return released;
}

// Why the lanes of a warp that wait for each other never meet.
inline bool fail_in_warp(const Thread* warp, unsigned lanes) {
    for (unsigned i = 0; i < lanes; i++) {
        if (warp[i].state != State::IN_WARP) continue;
        for (unsigned lane = 0; lane < lanes; lane++) {
            if (!(warp[i].mask >> lane & 1)) continue;
            if (warp[lane].state == State::RETURNED) return fail_as_returned(warp[lane], warp[i], "a warp operation");
            if (!together(warp[i], warp[lane])) return fail_as_diverged(warp[i], warp[lane]);
        }
    }
    snprintf(failure, sizeof failure, "a lane calls a warp operation whose mask doesn't name it");
    return false;
}

// Runs a warp as far as it can go without the others: to a barrier, or to its end.
inline bool run_warp(Thread* warp, unsigned lanes, Order lane_order) {
    for (;;) {
        bool in_warp = false;
        for (unsigned i = 0; i < WARP; i++) {
            unsigned lane = lane_order.next();
            if (lane >= lanes) continue;
            if (warp[lane].state == State::READY) {
                current = &warp[lane];
                switch_fiber(scheduler, current->fiber);
            }
            in_warp |= warp[lane].state == State::IN_WARP;
        }
        if (!in_warp) return true;
        if (!meet(warp, lanes)) return fail_in_warp(warp, lanes);
    }
}

// At a barrier all threads of the block meet, at the same one. Returns false when there is none to wait at.
inline bool pass_barrier(unsigned count) {
    const Thread *waiting = nullptr, *returned = nullptr;
    for (unsigned i = 0; i < count; i++) {
        const Thread*& first = threads[i].state == State::RETURNED ? returned : waiting;
        if (!first) first = &threads[i];
        if (first == waiting && threads[i].line != waiting->line) return fail_as_diverged(*waiting, threads[i]);
    }
    if (waiting && returned) return fail_as_returned(*returned, *waiting, "__syncthreads()");
    for (unsigned i = 0; waiting && i < count; i++) threads[i].state = State::READY;
    return waiting;
}

inline void run_block(unsigned count, unsigned shared_bytes, unsigned& seed) {
    memset(FIRST_SHARED, 0xff, LAST_SHARED - FIRST_SHARED);  // all bits set are NaN
    memset(dynamic_shared, 0xff, shared_bytes);
    for (unsigned i = 0; i < count; i++) threads[i].state = State::READY;
    Order lane_order(WARP, seed);
    unsigned warps = (count + WARP - 1) / WARP;
    do {
        Order warp_order(warps, seed);
        for (unsigned i = 0; i < warps; i++) {
            unsigned first = warp_order.next() * WARP;
            if (!run_warp(threads + first, min(WARP, count - first), lane_order)) return;
        }
    } while (pass_barrier(count));
}

#ifdef __SANITIZE_ADDRESS__
extern "C" void __asan_poison_memory_region(const volatile void*, size_t);
extern "C" void __asan_unpoison_memory_region(const volatile void*, size_t);
#else
inline void __asan_poison_memory_region(const volatile void*, size_t) {}
inline void __asan_unpoison_memory_region(const volatile void*, size_t) {}
#endif

// Runs a grid. `bounds` is the kernel's __launch_bounds__, and `stacks` has room for one stack per thread of a block.
// Returns what went wrong, or null.
inline const char* launch(void (*body)(const char*), const char* values, dim3 grid, dim3 block, unsigned bounds,
                          unsigned shared_bytes, unsigned seed, char* stacks) {
    kernel = body;
    arguments = values;
    grid_size = grid;
    block_size = block;
    failure[0] = 0;
    unsigned count = block.x * block.y * block.z;
    if (count > bounds) {
        snprintf(failure, sizeof failure, "%u threads a block, and its __launch_bounds__ allow %u", count, bounds);
        return failure;
    }
    for (unsigned i = 0; i < count; i++) {
        threads[i].index = {i % block.x, i / block.x % block.y, i / (block.x * block.y)};
        make_fiber(threads[i].fiber, stacks + i * STACK_BYTES);
    }
    // Beyond the bytes asked for one reads NaN, a write is noticed below, and the address sanitizer forbids both.
    char *end = dynamic_shared + shared_bytes, *limit = dynamic_shared + sizeof dynamic_shared;
    __asan_unpoison_memory_region(dynamic_shared, sizeof dynamic_shared);
    memset(dynamic_shared, 0xff, sizeof dynamic_shared);
    __asan_poison_memory_region(end, limit - end);

    Order block_order(grid.x * grid.y * grid.z, seed);
    for (unsigned i = 0; i < block_order.count && !failure[0]; i++) {
        unsigned b = block_order.next();
        block_index = {b % grid.x, b / grid.x % grid.y, b / grid.x / grid.y};
        run_block(count, shared_bytes, seed);
    }
    __asan_unpoison_memory_region(end, limit - end);
    bool untouched = *end == char(0xff) && memcmp(end, end + 1, limit - end - 1) == 0;  // each is as the one before
    if (!untouched && !failure[0])
        snprintf(failure, sizeof failure, "a thread wrote beyond the %u bytes of dynamic shared memory", shared_bytes);
    if (!failure[0]) return nullptr;
    __asan_unpoison_memory_region(stacks, count * STACK_BYTES);  // where the threads are left that haven't returned
    return failure;
}

}  // namespace cpu
