/**
 * Changed inputs for all that reads what comes from outside: pnpm fuzz --minutes=1 [--inputs=N] [--seed=S] [--reader=NAME [--input=I]]
 *
 * Each reader runs in a process of its own. A failure is an error without a type, a process that dies, an input that takes
 * more than 5 s of the processor or 20 s by the clock, or memory of more than 1 GB. Its input is kept in `.reports/fuzz`, and
 * the command that repeats it is printed. The last lines are a table for docs/results.md.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync, openSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { EvolmmError } from '../../packages/internal/src/index'
import { mutated } from './mutate'
import { readers, type FuzzedReader } from './readers'

const mostCpu = 5000
const mostClock = 20_000
const mostMemory = 2 ** 30
/** Failures of a reader that are shown; it is not asked any more after them. */
const mostFailures = 5

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    inputs: { type: 'string' },
    seed: { type: 'string', default: '1' },
    reader: { type: 'string' },
    input: { type: 'string' },
    // Where a process says what it does, in one that a process of this script starts.
    child: { type: 'string' },
  },
})
const seed = number('seed', values.seed) ?? 1
const stored = join('.reports', 'fuzz')

interface Range {
  first: number
  last: number
  /** How long inputs are read, beginning with the first one. */
  milliseconds: number
}

interface Failure {
  index: number
  what: string
}

interface Tally {
  inputs: number
  seconds: number
  slowest: number
  failures: Failure[]
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

/** Reads inputs from `first` on until the number or the time is reached, and says on the way which one it is at. */
async function child(file: string): Promise<void> {
  const [reader] = chosenReaders()
  const { first, last, milliseconds } = JSON.parse(readFileSync(file, 'utf8')) as Range
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-fuzz-'))
  const place = openSync(`${file}.place`, 'w')
  try {
    const corpus = await reader.corpus(folder)
    const end = performance.now() + milliseconds
    for (let index = first; index < last && performance.now() < end; index++) {
      const input = mutated(corpus, reader, seed, index)
      writeSync(place, `${index}`.padEnd(16), 0)
      const cpu = process.cpuUsage()
      const error = await failureOf(() => reader.read(input, join(folder, 'read')))
      const { user, system } = process.cpuUsage(cpu)
      const milliseconds = (user + system) / 1000
      const slow = milliseconds > mostCpu
      const large = process.resourceUsage().maxRSS * 1024 > mostMemory
      const what =
        error ?? (slow ? 'more than 5 s of the processor' : large ? 'more than 1 GB of memory' : undefined)
      process.send?.({ index, milliseconds, what })
      // The largest size that a process had stays: a new one goes on.
      if (large) break
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function failureOf(read: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await read()
    return undefined
  } catch (error) {
    if (error instanceof EvolmmError && /^[A-Z][A-Z0-9_]+$/.test(error.code)) return undefined
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}

/**
 * A process for the inputs from `first` on. It gives the number of the next one, or nothing where all was done; how a process
 * ended that broke off is a failure of the input that it was at.
 */
async function runChild(reader: FuzzedReader, range: Range, tally: Tally): Promise<number | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-fuzz-'))
  const file = join(folder, 'range')
  writeFileSync(file, JSON.stringify(range))
  writeFileSync(`${file}.place`, '')
  const flags = ['--max-old-space-size=1024', '--throw-deprecation']
  const args = [process.argv[1], `--child=${file}`, `--reader=${reader.name}`, `--seed=${seed}`]
  const process_ = spawn(process.execPath, [...flags, ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  process_.stderr?.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2000)))
  let next = range.first
  let begun: number | undefined
  const late = () => setTimeout(() => process_.kill('SIGKILL'), mostClock)
  let timer = late()
  process_.on(
    'message',
    ({ index, milliseconds, what }: { index: number; milliseconds: number; what?: string }) => {
      clearTimeout(timer)
      timer = late()
      begun ??= Date.now()
      next = index + 1
      tally.inputs++
      tally.slowest = Math.max(tally.slowest, milliseconds)
      if (what !== undefined) tally.failures.push({ index, what })
    },
  )
  const how = await new Promise<string | undefined>((resolve) => {
    process_.on('close', (code, signal) => {
      resolve(
        code === 0
          ? undefined
          : signal === 'SIGKILL'
            ? 'more than 20 s'
            : `the process ended: ${code ?? signal} ${said}`,
      )
    })
  })
  clearTimeout(timer)
  tally.seconds += begun === undefined ? 0 : (Date.now() - begun) / 1000
  const at = Number(readFileSync(`${file}.place`, 'utf8'))
  rmSync(folder, { recursive: true })
  if (how === undefined) return tally.failures.some(({ index }) => index === next - 1) ? next : undefined
  tally.inputs++
  tally.failures.push({ index: at, what: how })
  return at + 1
}

async function fuzz(reader: FuzzedReader, inputs: number, milliseconds: number): Promise<Tally> {
  const tally: Tally = { inputs: 0, seconds: 0, slowest: 0, failures: [] }
  const first = number('input', values.input)
  const last = first === undefined ? inputs : first + 1
  let next: number | undefined = first ?? 0
  while (next !== undefined && next < last && tally.failures.length < mostFailures)
    next = await runChild(
      reader,
      { first: next, last, milliseconds: milliseconds - 1000 * tally.seconds },
      tally,
    )
  for (const failure of tally.failures) await keep(reader, failure)
  return tally
}

/** Keeps the input, and says how to have it again. */
async function keep(reader: FuzzedReader, { index, what }: Failure): Promise<void> {
  mkdirSync(stored, { recursive: true })
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-fuzz-'))
  const file = join(stored, `${reader.name.replace(/\W+/g, '-')}-${seed}-${index}`)
  writeFileSync(file, mutated(await reader.corpus(folder), reader, seed, index))
  rmSync(folder, { recursive: true })
  print(`\nFAILED: ${reader.name}, kept as ${file}: ${what}`)
  print(`  pnpm fuzz --reader='${reader.name}' --seed=${seed} --input=${index}`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function main(): Promise<void> {
  const chosen = chosenReaders()
  const minutes = number('minutes', values.minutes)
  const total = number('inputs', values.inputs)
  const each = total === undefined ? Infinity : Math.ceil(total / chosen.length)
  const time =
    minutes === undefined && (total !== undefined || values.input !== undefined)
      ? 1e12
      : (minutes ?? 1) * 60_000
  print(`seed ${seed}`)
  const rows: string[] = []
  let failed = 0
  let sum = 0
  for (const reader of chosen) {
    const { inputs, seconds, slowest, failures } = await fuzz(
      reader,
      Math.min(each, Number.MAX_SAFE_INTEGER),
      time / chosen.length,
    )
    failed += failures.length
    sum += inputs
    const cells = [
      reader.name,
      inputs.toLocaleString('en'),
      (inputs / seconds).toFixed(0),
      slowest.toFixed(0),
      failures.length,
    ]
    rows.push(`| ${cells.join(' | ')} |`)
    print(rows.at(-1) ?? '')
  }
  print(`\n${sum.toLocaleString('en')} inputs, seed ${seed}, Node ${process.versions.node}:\n`)
  print(
    [
      '| reader | inputs | per second | slowest, ms | failures |',
      '| --- | ---: | ---: | ---: | ---: |',
      ...rows,
    ].join('\n'),
  )
  if (failed > 0) process.exitCode = 1
}

await (values.child === undefined ? main() : child(values.child))
