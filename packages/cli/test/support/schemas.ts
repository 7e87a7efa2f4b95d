/** The commands as they are built, with the schemas of their flags. */
import { schema, type Row, type Schema } from '@evolmm/settings'
import { buildProgram } from '../../src/run'
import { schemasOf } from '../../src/settings-command'
import { fakeContext } from './run-command'

export const program = buildProgram(fakeContext(), () => undefined)

/** Each schema of each command by itself. */
export const schemas: readonly (readonly [command: string, schema: Schema])[] = program.commands.flatMap(
  (command) =>
    schemasOf(command)
      .filter(({ names }) => names.size > 0)
      .map((one) => [command.name(), one as Schema] as const),
)

/** All flags of each command in one schema, its groups put together; what holds across rows is left out. */
export const commands: readonly (readonly [command: string, schema: Schema])[] = program.commands.map(
  (command) => {
    const groups: Record<string, Record<string, Row>> = {}
    for (const { groups: titled, rows } of schemasOf(command))
      for (const { title, names } of titled)
        groups[title] = { ...groups[title], ...Object.fromEntries(names.map((name) => [name, rows[name]])) }
    return [command.name(), schema({ name: command.name(), groups })]
  },
)
