// One time loop over days for vectors of tiles, around physics that Python has written (see trace.py).
//
// A vector holds LANES cells. Cells are advanced in blocks of LANES; a block runs all its days while its
// forcing and state stay in the cache. Blocks are independent, so threads share nothing but a counter.
//
// With DERIVATIVES the loop also runs backward: from the states that the run forward has kept, one every
// `stride` days, those of the days between are computed again, then each day fills its tape and its adjoint
// goes back over it (see reverse.py).

#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#ifdef DOUBLE
typedef double real;
typedef long long integer;
constexpr int LANES = 8;
#else
typedef float real;
typedef int integer;
constexpr int LANES = 16;
#endif

typedef real V __attribute__((vector_size(LANES * sizeof(real))));
typedef integer M __attribute__((vector_size(LANES * sizeof(real))));
#define INLINE static inline __attribute__((always_inline))

INLINE V K(double x) { return V{} + (real)x; }
INLINE M constant_mask(bool b) { return M{} - (integer)(b ? 1 : 0); }
INLINE bool any(M m) {
  typedef long long W __attribute__((vector_size(sizeof(M))));
  const W w = (W)m;
  long long all = 0;
  for (unsigned k = 0; k < sizeof(M) / 8; ++k) all |= w[k];
  return all != 0;
}
INLINE V select(M m, V a, V b) { return m ? a : b; }
INLINE V vmin(V a, V b) { return a < b ? a : b; }
INLINE V vmax(V a, V b) { return a > b ? a : b; }
INLINE V value(V a) { return a; }

#ifdef DOUBLE
#define LANEWISE(name, call) \
  INLINE V name(V x) { V y; for (int k = 0; k < LANES; ++k) y[k] = call(x[k]); return y; }
LANEWISE(vexp, std::exp)
LANEWISE(vlog, std::log)
LANEWISE(vlog1p, std::log1p)
LANEWISE(vexpm1, std::expm1)
LANEWISE(vsqrt, std::sqrt)
#else
// polynomials of minimal error on the reduced range, about one unit in the last place
INLINE V vexp(V x) {
  x = vmin(vmax(x, K(-87.0)), K(88.0));
  const V shifted = x * K(1.44269504088896341) + K(12582912.0);  // 1.5 * 2^23 rounds to nearest
  const M n = (M)shifted - (M)K(12582912.0);
  const V whole = shifted - K(12582912.0);
  const V r = (x - whole * K(0.693359375)) + whole * K(2.12194440e-4);
  V p = K(1.9875691500e-4);
  p = p * r + K(1.3981999507e-3);
  p = p * r + K(8.3334519073e-3);
  p = p * r + K(4.1665795894e-2);
  p = p * r + K(1.6666665459e-1);
  p = p * r + K(5.0000001201e-1);
  return (V)((M)(p * r * r + r + K(1.0)) + (n << 23));
}
INLINE V vlog(V x) {
  x = vmax(x, K(1.1754944e-38));
  const M bits = (M)x;
  const M scaled = bits - 0x3f3504f3;  // mantissa between sqrt(1/2) and sqrt(2)
  const M exponent = scaled >> 23;
  const V m = (V)(bits - (exponent << 23)) - K(1.0);
  const V e = __builtin_convertvector(exponent, V);
  const V m2 = m * m;
  V p = K(7.0376836292e-2);
  p = p * m + K(-1.1514610310e-1);
  p = p * m + K(1.1676998740e-1);
  p = p * m + K(-1.2420140846e-1);
  p = p * m + K(1.4249322787e-1);
  p = p * m + K(-1.6668057665e-1);
  p = p * m + K(2.0000714765e-1);
  p = p * m + K(-2.4999993993e-1);
  p = p * m + K(3.3333331174e-1);
  return e * K(0.693359375) + (m + (m * m2 * p - m2 * K(0.5) + e * K(-2.12194440e-4)));
}
INLINE V vlog1p(V x) {
  const V w = x + K(1.0);
  return vlog(w) + (x - (w - K(1.0))) / w;
}
INLINE V vexpm1(V x) {
  const V series = x * (K(1.0) + x * (K(0.5) + x * (K(1.0 / 6) + x * (K(1.0 / 24) + x * K(1.0 / 120)))));
  const V far = vexp(x) - K(1.0);
  const V size = vmax(x, -x);
  return size < K(0.1) ? series : far;
}
INLINE V vsqrt(V x) { V y; for (int k = 0; k < LANES; ++k) y[k] = std::sqrt(x[k]); return y; }
#endif

#ifdef DERIVATIVES
INLINE V only(M m, V a) { return m ? a : V{}; }
// what a bar passes on; nothing where nothing came, whatever the slope is there
INLINE V flow(V bar, V slope) { return bar != K(0.0) ? bar * slope : V{}; }
#endif

//@PHYSICS@

struct Task {
  const real *forcing, *cell, *tile, *monthly, *parameters, *area;
  const int *month, *chosen;
  const long* which;  // the cell of each lane
  const long* place;  // where states of a (slot, block) are kept; -1 where it has no tile
  real *state, *out;
  real *kept;  // (set, place, day / stride, state), or null
  // of the run backward: what comes from the outputs and the last state, and what goes to its inputs
  const real *from_out, *from_state;
  real *to_parameters, *to_state;
  real *to_weather;  // (set, block, day, column), or null
  long blocks, sets, slots, places, record, first_day, days, first_out, stride;
  int n_chosen, threads, given_state;
};

// One tile in each lane of a block.
struct Tiles {
  const Task& t;
  long set, slot, block;
  V area;
  M used;  // lanes without a tile compute along; nothing of them is kept
  const V *cell, *tile, *monthly, *given;
  const real* lane[LANES];  // the weather of each lane's cell, day after day

  Tiles(const Task& task, long a_set, long a_slot, long a_block)
      : t(task), set(a_set), slot(a_slot), block(a_block) {
    const long at = slot * t.blocks + block;
    area = ((const V*)t.area)[at];
    used = area > K(0.0);
    cell = (const V*)t.cell + block * N_CELL;
    tile = (const V*)t.tile + at * N_TILE;
    monthly = (const V*)t.monthly + at * 12 * N_MONTHLY;
    given = (const V*)t.parameters + (set * t.blocks + block) * N_PARAMETERS;
    for (int k = 0; k < LANES; ++k)
      lane[k] = t.forcing + (t.which[block * LANES + k] * t.record + t.first_day) * N_WEATHER;
  }
  bool any_used() const { return any(used); }
  void read_weather(long day, V* weather) const {
    for (int k = 0; k < LANES; ++k)
      for (int w = 0; w < N_WEATHER; ++w) weather[w][k] = lane[k][day * N_WEATHER + w];
  }
  const V* month(long day) const { return monthly + t.month[day] * N_MONTHLY; }
  V* states(real* array) const {
    return (V*)array + ((set * t.slots + slot) * t.blocks + block) * N_STATE;
  }
  V* kept(long day) const {
    const long segments = (t.days + t.stride - 1) / t.stride, place = t.place[slot * t.blocks + block];
    return (V*)t.kept + ((set * t.places + place) * segments + day / t.stride) * N_STATE;
  }
  long outputs(long day) const {
    return ((set * t.blocks + block) * (t.days - t.first_out) + day - t.first_out) * t.n_chosen;
  }
};

static void run_block(const Task& t, long set, long block) {
  V layer[N_LAYER], result[N_OUT], weather[N_WEATHER];
  for (long slot = 0; slot < t.slots; ++slot) {
    const Tiles tiles(t, set, slot, block);
    if (slot == 0)
      std::memset((void*)((V*)t.out + tiles.outputs(t.first_out)), 0,
                  sizeof(V) * (t.days - t.first_out) * t.n_chosen);
    if (!tiles.any_used()) continue;
    V* state = tiles.states(t.state);
    prologue(tiles.cell, tiles.tile, tiles.given, layer);
    if (!t.given_state) cold_start(tiles.cell, layer, state);
    for (long day = 0; day < t.days; ++day) {
      if (t.kept && day % t.stride == 0)
        std::memcpy((void*)tiles.kept(day), state, sizeof(V) * N_STATE);
      tiles.read_weather(day, weather);
      simulate_day(weather, tiles.cell, tiles.tile, tiles.month(day), layer, state, result);
      if (day < t.first_out) continue;
      V* out = (V*)t.out + tiles.outputs(day);
      for (int c = 0; c < t.n_chosen; ++c)
        out[c] += tiles.used ? tiles.area * result[t.chosen[c]] : V{};
    }
  }
}

#ifdef DERIVATIVES
static void reverse_block(const Task& t, long set, long block, V* tape, V* states) {
  V layer[N_LAYER], weather[N_WEATHER], scratch[N_OUT], from_out[N_OUT];
  V to_weather[N_WEATHER], to_layer[N_LAYER], to_parameters[N_PARAMETERS], bars[2][N_STATE];
  V* sum = (V*)t.to_parameters + (set * t.blocks + block) * N_PARAMETERS;
  for (int p = 0; p < N_PARAMETERS; ++p) sum[p] = V{};
  for (long slot = 0; slot < t.slots; ++slot) {
    const Tiles tiles(t, set, slot, block);
    if (!tiles.any_used()) continue;
    V *from = bars[0], *to = bars[1];
    const V* last = tiles.states((real*)t.from_state);
    for (int s = 0; s < N_STATE; ++s) from[s] = only(tiles.used, last[s]);
    for (int l = 0; l < N_LAYER; ++l) to_layer[l] = V{};
    for (int o = 0; o < N_OUT; ++o) from_out[o] = V{};
    prologue(tiles.cell, tiles.tile, tiles.given, layer);
    for (long first = (t.days - 1) / t.stride * t.stride; first >= 0; first -= t.stride) {
      const long after = first + t.stride < t.days ? first + t.stride : t.days;
      std::memcpy((void*)states, tiles.kept(first), sizeof(V) * N_STATE);
      for (long day = first; day + 1 < after; ++day) {
        V* next = states + (day - first + 1) * N_STATE;
        std::memcpy((void*)next, next - N_STATE, sizeof(V) * N_STATE);
        tiles.read_weather(day, weather);
        simulate_day(weather, tiles.cell, tiles.tile, tiles.month(day), layer, next, scratch);
      }
      for (long day = after - 1; day >= first; --day) {
        const V* state = states + (day - first) * N_STATE;
        tiles.read_weather(day, weather);
        for (int c = 0; c < t.n_chosen; ++c) from_out[t.chosen[c]] = V{};
        if (day >= t.first_out)
          for (int c = 0; c < t.n_chosen; ++c)
            from_out[t.chosen[c]] +=
                only(tiles.used, tiles.area * ((const V*)t.from_out)[tiles.outputs(day) + c]);
        for (int s = 0; s < N_STATE; ++s) to[s] = V{};
        for (int w = 0; w < N_WEATHER; ++w) to_weather[w] = V{};
        record_simulate_day(weather, tiles.cell, tiles.tile, tiles.month(day), layer, state, tape);
        adjoint_simulate_day(weather, tiles.cell, tiles.tile, tiles.month(day), layer, state, tape,
                             from, from_out, to_weather, to_layer, to);
        if (t.to_weather) {
          V* sum = (V*)t.to_weather + ((set * t.blocks + block) * t.days + day) * N_WEATHER;
          for (int w = 0; w < N_WEATHER; ++w) sum[w] += only(tiles.used, to_weather[w]);
        }
        V* swap = from;
        from = to;
        to = swap;
      }
    }
    if (t.given_state) {
      V* start = tiles.states(t.to_state);
      for (int s = 0; s < N_STATE; ++s) start[s] = only(tiles.used, from[s]);
    } else {
      record_cold_start(tiles.cell, layer, tape);
      adjoint_cold_start(tiles.cell, layer, tape, from, to_layer);
    }
    for (int p = 0; p < N_PARAMETERS; ++p) to_parameters[p] = V{};
    record_prologue(tiles.cell, tiles.tile, tiles.given, tape);
    adjoint_prologue(tiles.cell, tiles.tile, tiles.given, tape, to_layer, to_parameters);
    for (int p = 0; p < N_PARAMETERS; ++p) sum[p] += only(tiles.used, to_parameters[p]);
  }
}
#endif

// Threads take blocks until none is left; `work` gets a function that gives the next one.
template <class Work>
static void in_threads(const Task& t, Work work) {
  std::atomic<long> next{0};
  auto share = [&]() {
    work([&](long& set, long& block) {
      const long i = next++;
      set = i % t.sets, block = i / t.sets;
      return i < t.blocks * t.sets;
    });
  };
  std::vector<std::thread> helpers;
  for (int k = 1; k < t.threads; ++k) helpers.emplace_back(share);
  share();
  for (auto& h : helpers) h.join();
}

extern "C" void run(const Task* task) {
  in_threads(*task, [=](auto take) {
    for (long set, block; take(set, block);) run_block(*task, set, block);
  });
}

#ifdef DERIVATIVES
extern "C" void run_backward(const Task* task) {
  in_threads(*task, [=](auto take) {
    std::unique_ptr<V[]> room(new V[TAPE + task->stride * N_STATE]);
    for (long set, block; take(set, block);)
      reverse_block(*task, set, block, room.get(), room.get() + TAPE);
  });
}
#endif
