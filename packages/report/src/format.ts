/** Numbers as people read them: three digits that count, a real minus, groups of thousands. */

export function formatNumber(value: number): string {
  const size = Math.abs(value)
  if (size === 0) return '0'
  if (size < 0.0005 || size >= 1e7) return scientific(value)
  const decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3
  return minus(
    value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals }),
  )
}

export function formatCount(value: number): string {
  return minus(value.toLocaleString('en-US'))
}

/** A share in per cent. */
export function formatShare(value: number): string {
  return `${minus((100 * value).toFixed(1))}\u202f%`
}

/** All ticks of an axis with as many decimals as the one that needs most. */
export function formatTicks(ticks: readonly number[]): string[] {
  const largest = Math.max(...ticks.map(Math.abs))
  const smallest = Math.min(...ticks.filter((tick) => tick !== 0).map(Math.abs))
  if (largest >= 1e6 || smallest < 1e-3) return ticks.map((tick) => (tick === 0 ? '0' : scientific(tick)))
  const decimals = Math.max(...ticks.map((tick) => String(tick).split('.')[1]?.length ?? 0))
  return ticks.map((tick) => minus(tick.toLocaleString('en-US', { minimumFractionDigits: decimals })))
}

/** "1 h 02 min", "3 min 20 s", "4.2 s". */
export function formatDuration(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  const two = (value: number) => String(value).padStart(2, '0')
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
  const minutes = Math.round(whole / 60)
  return `${formatCount(Math.floor(minutes / 60))} h ${two(minutes % 60)} min`
}

function scientific(value: number): string {
  const [digits = '', power = ''] = value.toExponential(1).split('e')
  const raised = power
    .replace('+', '')
    .replace(/[-\d]/g, (digit) => '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'['-0123456789'.indexOf(digit)] ?? '')
  return minus(digits === '1.0' ? `10${raised}` : `${digits.replace(/\.0$/, '')}×10${raised}`)
}

function minus(text: string): string {
  return text.replace('-', '\u2212')
}
