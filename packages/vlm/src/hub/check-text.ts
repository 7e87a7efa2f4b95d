import { EvolmmError } from '@evolmm/internal'

/** A string, for callers without types. The value is not shown: it may be a secret in a wrapper. */
export function checkText(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new EvolmmError(
    'INVALID_OPTION',
    `${name}: must be a string, got ${value === null ? 'null' : typeof value}; pass such a value`,
    { details: { option: name } },
  )
}
