/** The value after a round trip through JSON, frozen to the bottom: what a checkpoint gives back, and unmutable. */
export function frozen<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_, part: unknown) => Object.freeze(part)) as T
}
