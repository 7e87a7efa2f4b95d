/** A stored run covers a planned one if it is that one, or that one made longer. */
export function covers(stored, { condition, seed, settings }) {
  const rest = (run) => JSON.stringify({ ...run, updates: 0, measured: [] })
  return (
    stored.condition === condition &&
    stored.seed === seed &&
    rest(stored.settings) === rest(settings) &&
    settings.measured.every((step) => stored.settings.measured.includes(step))
  )
}
