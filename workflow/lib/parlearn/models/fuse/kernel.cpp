// One time loop over days for vectors of tiles, around physics that Python has written (see trace.py).
//
// A vector holds LANES cells. D is a value with NP tangents (its derivatives in the free parameters), or a
// bare vector where NP is 0. Cells are advanced in blocks of LANES; a block runs all its days while its
// forcing and state stay in the cache. Blocks are independent, so threads share nothing but a counter.

#include <atomic>
#include <cmath>
#include <cstring>
#include <thread>
#include <vector>

#ifndef NP
#define NP 0
#endif
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

#if NP > 0
struct D {
  V v;
  V d[NP];
  D() = default;
  inline __attribute__((always_inline)) D(V x) : v(x) { for (int i = 0; i < NP; ++i) d[i] = V{}; }
};
#define EACH _Pragma("GCC unroll 8") for (int i = 0; i < NP; ++i)
INLINE V value(const D& a) { return a.v; }
INLINE D operator+(const D& a, const D& b) { D r; r.v = a.v + b.v; EACH r.d[i] = a.d[i] + b.d[i]; return r; }
INLINE D operator+(const D& a, V b) { D r = a; r.v = a.v + b; return r; }
INLINE D operator+(V a, const D& b) { D r = b; r.v = a + b.v; return r; }
INLINE D operator-(const D& a, const D& b) { D r; r.v = a.v - b.v; EACH r.d[i] = a.d[i] - b.d[i]; return r; }
INLINE D operator-(const D& a, V b) { D r = a; r.v = a.v - b; return r; }
INLINE D operator-(V a, const D& b) { D r; r.v = a - b.v; EACH r.d[i] = -b.d[i]; return r; }
INLINE D operator*(const D& a, const D& b) {
  D r; r.v = a.v * b.v; EACH r.d[i] = a.d[i] * b.v + a.v * b.d[i]; return r;
}
INLINE D operator*(const D& a, V b) { D r; r.v = a.v * b; EACH r.d[i] = a.d[i] * b; return r; }
INLINE D operator*(V a, const D& b) { return b * a; }
INLINE D operator/(const D& a, const D& b) {
  const V inverse = K(1.0) / b.v;
  D r; r.v = a.v * inverse; EACH r.d[i] = (a.d[i] - r.v * b.d[i]) * inverse; return r;
}
INLINE D operator/(const D& a, V b) { return a * (K(1.0) / b); }
INLINE D operator/(V a, const D& b) {
  const V inverse = K(1.0) / b.v;
  D r; r.v = a * inverse; const V slope = -r.v * inverse; EACH r.d[i] = slope * b.d[i]; return r;
}
INLINE D chain(V y, V slope, const D& x) { D r; r.v = y; EACH r.d[i] = slope * x.d[i]; return r; }
INLINE D vexp(const D& x) { const V y = vexp(x.v); return chain(y, y, x); }
INLINE D vlog(const D& x) { return chain(vlog(x.v), K(1.0) / x.v, x); }
INLINE D vlog1p(const D& x) { return chain(vlog1p(x.v), K(1.0) / (x.v + K(1.0)), x); }
INLINE D vexpm1(const D& x) { const V y = vexpm1(x.v); return chain(y, y + K(1.0), x); }
INLINE D vsqrt(const D& x) { const V y = vsqrt(x.v); return chain(y, K(0.5) / y, x); }
INLINE D select(M m, const D& a, const D& b) {
  D r; r.v = m ? a.v : b.v; EACH r.d[i] = m ? a.d[i] : b.d[i]; return r;
}
INLINE D vmin(const D& a, const D& b) { return select(a.v < b.v, a, b); }
INLINE D vmax(const D& a, const D& b) { return select(a.v > b.v, a, b); }
#define COMPARE(op) \
  INLINE M operator op(const D& a, const D& b) { return a.v op b.v; } \
  INLINE M operator op(const D& a, V b) { return a.v op b; } \
  INLINE M operator op(V a, const D& b) { return a op b.v; }
COMPARE(<) COMPARE(<=) COMPARE(>) COMPARE(>=) COMPARE(==)
#else
typedef V D;
#endif

//@PHYSICS@

struct Task {
  const real *forcing, *cell, *tile, *monthly, *parameters, *area;
  const int *month, *free, *chosen;
  const long* which;  // the cell of each lane
  real *state, *out;
  long blocks, sets, slots, record, first_day, days, first_out;
  int n_chosen, threads, keep_state;
};

static void run_block(const Task& t, long set, long block) {
  const real* lane[LANES];  // the weather of each lane's cell, day after day
  for (int k = 0; k < LANES; ++k)
    lane[k] = t.forcing + (t.which[block * LANES + k] * t.record + t.first_day) * N_WEATHER;
  const V* cell = (const V*)t.cell + block * N_CELL;
  const long width = 1 + NP, kept = t.days - t.first_out;
  V* out = (V*)t.out + (set * t.blocks + block) * kept * t.n_chosen * width;
  std::memset((void*)out, 0, sizeof(V) * kept * t.n_chosen * width);
  D parameters[N_PARAMETERS], layer[N_LAYER], state[N_STATE], result[N_OUT];
  const V* given = (const V*)t.parameters + (set * t.blocks + block) * N_PARAMETERS;
  for (int p = 0; p < N_PARAMETERS; ++p) {
    parameters[p] = D(given[p]);
#if NP > 0
    if (t.free[p] >= 0) parameters[p].d[t.free[p]] = K(1.0);
#endif
  }
  for (long slot = 0; slot < t.slots; ++slot) {
    const long at = slot * t.blocks + block;
    const V area = ((const V*)t.area)[at];
    const M used = area > K(0.0);  // lanes without a tile compute along; nothing of them is kept
    if (!any(used)) continue;
    const V* tile = (const V*)t.tile + at * N_TILE;
    const V* monthly = (const V*)t.monthly + at * 12 * N_MONTHLY;
    V* stored = (V*)t.state + ((set * t.slots + slot) * t.blocks + block) * N_STATE;
    prologue(cell, tile, parameters, layer);
    if (t.keep_state & 1)
      for (int s = 0; s < N_STATE; ++s) state[s] = D(stored[s]);
    else
      cold_start(cell, layer, state);
    for (long day = 0; day < t.days; ++day) {
      V weather[N_WEATHER];
      for (int k = 0; k < LANES; ++k)
        for (int w = 0; w < N_WEATHER; ++w) weather[w][k] = lane[k][day * N_WEATHER + w];
      simulate_day(weather, cell, tile, monthly + t.month[day] * N_MONTHLY, layer, state, result);
      if (day < t.first_out) continue;
      V* o = out + (day - t.first_out) * t.n_chosen * width;
      for (int c = 0; c < t.n_chosen; ++c, o += width) {
#if NP > 0
        const D& r = result[t.chosen[c]];
        o[0] += used ? area * r.v : V{};
        for (int i = 0; i < NP; ++i) o[1 + i] += used ? area * r.d[i] : V{};
#else
        o[0] += used ? area * result[t.chosen[c]] : V{};
#endif
      }
    }
    if (t.keep_state & 2)
      for (int s = 0; s < N_STATE; ++s) stored[s] = value(state[s]);
  }
}

extern "C" int run(const Task* task) {
  const Task& t = *task;
  std::atomic<long> next{0};
  auto work = [&]() {
    for (long i; (i = next++) < t.blocks * t.sets;) run_block(t, i % t.sets, i / t.sets);
  };
  std::vector<std::thread> helpers;
  for (int k = 1; k < t.threads; ++k) helpers.emplace_back(work);
  work();
  for (auto& h : helpers) h.join();
  return 0;
}
extern "C" int lanes() { return LANES; }
