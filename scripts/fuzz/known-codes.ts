/** The codes that errors of our packages may have, as the union types in each package's `errors.ts` list them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export function knownCodes(): ReadonlySet<string> {
  const files = readdirSync('packages')
    .map((name) => join('packages', name, 'src/errors.ts'))
    .filter((file) => existsSync(file))
  return new Set(
    files.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/'([A-Z][A-Z0-9_]+)'/g)].map(([, code]) => code),
    ),
  )
}
