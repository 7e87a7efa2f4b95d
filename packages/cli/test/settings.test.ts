import {
  describe as describeSettings,
  EvolmmError,
  readSources,
  schema,
  settingsMarkdown,
  type Row,
} from '@evolmm/settings'
import { expect, test } from 'vitest'
import { commandNamed } from '../src/flags'
import { runCommand } from './support/run-command'
import { commands, program, schemas } from './support/schemas'

const introduction = `# Settings

Every setting of every command, made from the schemas that the flags, the help and the checks are made from too. A flag
counts before its environment variable, that before the \`--config\` file, that before the default. In a file a setting has
the name of its flag; flags that say what is done or how it is shown, such as \`--json\`, are in none. Variables of
\`evolmm train\` without \`EVOLMM_\` are those of the released \`train.py\`; so are their flags and defaults. \`evolmm plan\` has
the settings of \`evolmm train\`; here are those that are its own.
`

test('SETTINGS.md lists every flag of every command as it is', async () => {
  const { train } = Object.fromEntries(commands.map(([command, { rows }]) => [command, rows]))
  const sections = commands.map(([command, { name, groups, rows }]) => {
    const shown = (one: string) => command !== 'plan' || rows[one] !== train[one]
    const own = groups.flatMap(({ title, names }) => {
      const some = names.filter(shown).map((one) => [one, rows[one]] as const)
      return some.length === 0 ? [] : [[title, Object.fromEntries(some)] as const]
    })
    return `## evolmm ${command}\n\n${settingsMarkdown(schema({ name, groups: Object.fromEntries(own) }), '###')}`
  })
  await expect(`${introduction}\n${sections.join('\n')}`).toMatchFileSnapshot('../SETTINGS.md')
})

test.each(commands)('every flag of %s is made from a row', (command, { names }) => {
  const { options } = commandNamed(program, command.split(' '))
  expect(options).not.toEqual([])
  for (const option of options) expect([...names.keys()]).toContain(option.attributeName())
})

test.each(commands)('every setting of %s says what it is, and its default is a value', (_, { rows }) => {
  for (const [name, row] of Object.entries(rows)) {
    expect(row.help, name).toMatch(/^\S.*[^.]$/)
    expect(['boolean', 'function'], name).toContain(typeof row.identity)
    if (row.kind === 'choice' && row.default !== null) expect(row.choices, name).toContain(row.default)
    if (typeof row.default === 'number') {
      expect(row.default, name).toBeGreaterThanOrEqual(row.min ?? row.least ?? -Infinity)
      expect(row.default, name).toBeLessThanOrEqual(row.max ?? Infinity)
      expect(row.default, name).toBeGreaterThan(row.above ?? -Infinity)
      expect(row.default, name).toBeLessThan(row.below ?? Infinity)
    }
    // What no value stands for is said in words.
    if (row.default === null && row.required !== true)
      expect(row.otherwise ?? row.follows, name).toMatch(/\S/)
    if (row.follows !== undefined) expect(rows[row.follows].kind, name).toBe(row.kind)
  }
})

test.each(schemas)(
  'names of other libraries mean one thing in %s, and none of ours',
  (_, { rows, names, absent }) => {
    const others = Object.values(rows).flatMap(({ elsewhere = [] }) => elsewhere)
    const all = [...others, ...Object.keys(absent)]
    expect(all.filter((name, i) => all.indexOf(name) !== i)).toEqual([])
    expect(all.filter((name) => names.has(name))).toEqual([])
  },
)

test.each(schemas)('the defaults of %s go together', async (_, schema) => {
  const flags: Record<string, string> = {}
  // What must be given, some of it only beside others, is given until nothing is missing.
  for (;;) {
    const error: unknown = await readSources(schema, { flags }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (error === undefined) return
    const { message, details } = error as EvolmmError
    expect(message).toMatch(/^--\w+: must be given, got nothing;/)
    expect(Object.keys(flags)).not.toContain(details.option)
    flags[String(details.option)] = 'x'
  }
})

test.each(schemas)('no two settings of %s share a name of another library or of an option', (_, schema) => {
  const rows = Object.entries(schema.rows)
  const names = [
    rows.flatMap(([, { option }]) => option ?? []),
    [
      ...schema.names.keys(),
      ...rows.flatMap(([, { elsewhere = [] }]) => elsewhere),
      ...Object.keys(schema.absent),
    ],
  ]
  for (const each of names) expect(each.filter((name, i) => each.indexOf(name) !== i)).toEqual([])
})

test.each(commands)('no two flags of %s have the same variable', (_, schema) => {
  const variables = describeSettings(schema).flatMap(({ environment }) => environment)
  expect(new Set(variables).size).toBe(variables.length)
})

/** A value that the row refuses, as it is typed. */
function refused({ min, max, above, below, kind }: Row): string | undefined {
  if (kind === 'switch') return 'perhaps'
  if (kind === 'choice') return 'no such choice'
  if (kind === 'amount') return '0'
  const beyond = [min !== undefined && min - 1, max !== undefined && max + 1, above, below]
  const bound = beyond.find((value) => typeof value === 'number')
  if (bound !== undefined) return String(bound)
  return ['integer', 'number', 'bytes'].includes(kind) ? 'many' : undefined
}

test.each(schemas)('%s names what refuses a value: the flag or the variable', async (_, schema) => {
  for (const { name, environment } of describeSettings(schema)) {
    const value = refused(schema.rows[name])
    if (value === undefined) continue
    for (const [subject, input] of [
      [`--${name}`, { flags: { [name]: value } }],
      [environment[0], { environment: { [environment[0]]: value } }],
    ] as const) {
      const error: unknown = await readSources(schema, input).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(EvolmmError)
      expect((error as EvolmmError).message).toMatch(new RegExp(`^${subject}: must `))
      expect((error as EvolmmError).details.option).toBe(name)
    }
  }
})

test.each(commands)('the help of %s has every setting once', async (command, { rows }) => {
  const { code, stdout } = await runCommand([...command.split(' '), '--help'])
  expect(code).toBe(0)
  const flags = [...stdout.matchAll(/^ {2}--(?:\[no-\])?(\w+)/gm)].map(([, name]) => name)
  expect(new Set(flags).size).toBe(flags.length)
  for (const name of Object.keys(rows)) expect(flags).toContain(name)
})
