/** The commands as they are built, with the schemas of their flags. */
import { schema, type Row, type Schema } from '@evolmm/settings'
import { buildProgram } from '../../src/run'
import { commandPath, schemasOf } from '../../src/settings-command'
import { fakeContext } from './run-command'

export const program = buildProgram(fakeContext(), () => undefined)

/** All commands by what is typed to call them: those of the program, and those below them. */
const named = program.commands
  .flatMap((command) => [command, ...command.commands])
  .map((command) => [commandPath(command).replace(/^evolmm /, ''), command] as const)

/** Each schema of each command by itself. */
export const schemas: readonly (readonly [command: string, schema: Schema])[] = named.flatMap(
  ([name, command]) =>
    schemasOf(command)
      .filter(({ names }) => names.size > 0)
      .map((one) => [name, one as Schema] as const),
)

/** All flags of each command in one schema, its groups put together; what holds across rows is left out. */
export const commands: readonly (readonly [command: string, schema: Schema])[] = named.map(
  ([name, command]) => {
    const groups: Record<string, Record<string, Row>> = {}
    for (const { groups: titled, rows } of schemasOf(command))
      for (const { title, names } of titled)
        groups[title] = { ...groups[title], ...Object.fromEntries(names.map((each) => [each, rows[each]])) }
    return [name, schema({ name, groups })]
  },
)
