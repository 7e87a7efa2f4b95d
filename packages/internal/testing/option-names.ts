import { expect, test } from 'vitest'

/**
 * Each row is a function that takes options, a call of it, and options of which the last is mistyped as plain JavaScript
 * allows; `meant` is the option that the error is to propose, none where none is near.
 */
export type MistypedOption = readonly [
  owner: string,
  call: (options: never) => unknown,
  typed: object,
  meant: string | undefined,
]

/** Tests that each function refuses the option that it does not have, before it looks at anything else. */
export function testOptionNames(mistyped: readonly MistypedOption[]): void {
  test.each(mistyped)('%s refuses an option that it does not have', async (owner, call, typed, meant) => {
    const option = Object.keys(typed).at(-1)
    const remedy = meant === undefined ? 'leave it out' : `did you mean ${meant}?`
    const thrown: unknown = await Promise.resolve(typed as never)
      .then(call)
      .catch((error: unknown) => error)
    expect(thrown).toMatchObject({
      code: 'INVALID_OPTION',
      details: { option },
      message: `${option}: must be an option of ${owner}, got an unknown name; ${remedy}`,
    })
  })
}
