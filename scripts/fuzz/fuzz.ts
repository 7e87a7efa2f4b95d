/**
 * Changed inputs for all that reads what comes from outside:
 * pnpm fuzz --minutes=1 [--inputs=N] [--seed=S] [--processes=2] [--reader=NAME [--input=I]]
 *
 * Each reader runs in a process of its own. A failure is an error without a type, of a code that no package names or with a
 * message that is empty or endless, a process that dies, an input that takes more than 5 s of the processor or 20 s by the
 * clock, or memory of more than 1 GB. Its input is kept in `.reports/fuzz`, and the command that repeats it is printed. Of N
 * inputs each reader gets N / 200, and the rest is divided so that all readers get the same time, but none more than N / 10;
 * minutes are divided alike. The last lines are a table for docs/results.md, whose column "read" is the share of inputs that
 * were no error.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { mutated } from './mutate'
import { limits, readInputs, type Failure } from './read-inputs'
import { readers, type FuzzedReader } from './readers'
import { runChild, workplace } from './run-child'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    inputs: { type: 'string' },
    seed: { type: 'string', default: '1' },
    processes: { type: 'string', default: '2' },
    reader: { type: 'string' },
    input: { type: 'string' },
    // The folder in which a process that this script starts finds its range, and says what it does.
    child: { type: 'string' },
  },
})
const seed = number('seed', values.seed) ?? 1
const processes = number('processes', values.processes) ?? 2
const stored = join('.reports', 'fuzz')

interface Tally {
  reader: FuzzedReader
  next: number
  inputs: number
  accepted: number
  milliseconds: number
  slowest: number
  failures: Failure[]
}

interface Task {
  tally: Tally
  last: number
  milliseconds: number | null
}

function number(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (text !== '' && Number.isFinite(value) && value >= 0) return value
  throw new Error(`--${name}: must be a number, got ${text}`)
}

function chosenReaders(): readonly FuzzedReader[] {
  const chosen = readers.filter(({ name }) => values.reader === undefined || name === values.reader)
  if (chosen.length > 0) return chosen
  throw new Error(
    `--reader: must be one of ${readers.map(({ name }) => name).join(', ')}, got ${values.reader}`,
  )
}

/** Reads what a task asks for, in as many processes one after the other as failures need. */
async function work({ tally, last, milliseconds }: Task): Promise<void> {
  const before = tally.milliseconds
  const left = () => (milliseconds === null ? null : milliseconds - (tally.milliseconds - before))
  let again = true
  while (again && tally.next < last && tally.failures.length < limits.failures && (left() ?? 1) > 0) {
    const range = { seed, first: tally.next, last, milliseconds: left() }
    const { next, accepted, slowest, milliseconds: took, failures } = await runChild(tally.reader.name, range)
    tally.inputs += next - tally.next
    tally.next = next
    tally.accepted += accepted
    tally.slowest = Math.max(tally.slowest, slowest)
    tally.milliseconds += took
    for (const failure of failures) await keep(tally.reader, failure)
    tally.failures.push(...failures)
    again = failures.length > 0
  }
  print(`${tally.reader.name}: ${tally.inputs.toLocaleString('en')} inputs`)
}

/** Works on tasks, as many at once as there are processes. */
async function workAll(tasks: readonly Task[]): Promise<void> {
  const queue = [...tasks]
  const worker = async () => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) await work(task)
  }
  await Promise.all(Array.from({ length: processes }, worker))
}

/** Keeps the input, and says how to have it again. */
async function keep(reader: FuzzedReader, { index, what }: Failure): Promise<void> {
  mkdirSync(stored, { recursive: true })
  const folder = mkdtempSync(join(workplace, 'evolmm-fuzz-'))
  const file = join(stored, `${reader.name.replace(/\W+/g, '-')}-${seed}-${index}`)
  writeFileSync(file, mutated(await reader.corpus(folder), reader, seed, index))
  rmSync(folder, { recursive: true })
  print(`\nFAILED: ${reader.name}, kept as ${file}: ${what}`)
  print(`  pnpm fuzz --reader='${reader.name}' --seed=${seed} --input=${index}`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** A floor for each reader, and then as many more as make the sum, each reader for the same time up to its most. */
async function fuzzInputs(tallies: readonly Tally[], total: number): Promise<void> {
  const floor = Math.ceil(Math.min(total / 200, total / tallies.length))
  const most = Math.ceil(Math.max(total / 10, total / tallies.length))
  await workAll(tallies.map((tally) => ({ tally, last: floor, milliseconds: null })))
  const going = tallies.filter(({ failures }) => failures.length < limits.failures)
  const after = (time: number) =>
    going.map(({ inputs, milliseconds }) =>
      Math.min(most, Math.ceil(inputs + (time * inputs) / Math.max(1, milliseconds))),
    )
  const others = tallies.filter((tally) => !going.includes(tally))
  const wanted = total - sumOf(others.map(({ inputs }) => inputs))
  // The time after which they have as many as are wanted, or their most.
  let [short, long] = [0, 1e9]
  while (long - short > 1e-3) {
    const middle = (short + long) / 2
    if (sumOf(after(middle)) < wanted) short = middle
    else long = middle
  }
  const ends = after(long)
  await workAll(going.map((tally, i) => ({ tally, last: ends[i], milliseconds: null })))
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

async function main(): Promise<void> {
  const first = number('input', values.input)
  const tallies = chosenReaders().map((reader): Tally => ({
    reader,
    next: first ?? 0,
    ...{ inputs: 0, accepted: 0, milliseconds: 0, slowest: 0, failures: [] },
  }))
  const total = number('inputs', values.inputs)
  print(`seed ${seed}`)
  if (first !== undefined)
    await workAll(tallies.map((tally) => ({ tally, last: first + 1, milliseconds: null })))
  else if (total !== undefined) await fuzzInputs(tallies, total)
  else {
    const milliseconds = ((number('minutes', values.minutes) ?? 1) * 60_000 * processes) / tallies.length
    await workAll(tallies.map((tally) => ({ tally, last: Number.MAX_SAFE_INTEGER, milliseconds })))
  }
  printTable(tallies)
  if (tallies.some(({ failures }) => failures.length > 0)) process.exitCode = 1
}

function printTable(tallies: readonly Tally[]): void {
  const sum = sumOf(tallies.map(({ inputs }) => inputs))
  print(`\n${sum.toLocaleString('en')} inputs, seed ${seed}, Node ${process.versions.node}:\n`)
  print('| reader | inputs | read | per second | slowest, ms | failures |')
  print('| --- | ---: | ---: | ---: | ---: | ---: |')
  for (const { reader, inputs, accepted, milliseconds, slowest, failures } of tallies) {
    const cells = [
      reader.name,
      inputs.toLocaleString('en'),
      `${((100 * accepted) / Math.max(1, inputs)).toFixed(0)} %`,
      ((1000 * inputs) / Math.max(1, milliseconds)).toFixed(0),
      slowest.toFixed(0),
      failures.length,
    ]
    print(`| ${cells.join(' | ')} |`)
  }
}

if (values.child === undefined) await main()
else await readInputs(chosenReaders()[0], values.child)
