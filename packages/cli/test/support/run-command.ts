/** Runs a command line inside the test's own process. */
import type { Context } from '../../src/context'
import { run } from '../../src/run'
import type { Installer } from '../../src/installer'
import type { Library } from '../../src/library'
import { fakeLibrary, type FakeLibrary } from './fake-library'

export interface Result {
  code: number
  stdout: string
  stderr: string
  /** The calls of a fake library. */
  calls: FakeLibrary['calls']
}

export interface RunOptions {
  library?: Library
  installer?: Partial<Installer>
  /** True where both streams are terminals. @default false */
  terminal?: boolean
  environment?: Record<string, string>
  onInterrupt?: Context['onInterrupt']
}

export async function runCommand(argv: readonly string[], options: RunOptions = {}): Promise<Result> {
  const { library = fakeLibrary() } = options
  const written = { stdout: '', stderr: '' }
  const code = await run(argv, fakeContext({ ...options, library }, written))
  return { code, ...written, calls: 'calls' in library ? (library as FakeLibrary).calls : [] }
}

/** What a command is given here, which adds to `written` what it writes. */
export function fakeContext(
  { library = fakeLibrary(), terminal = false, environment = {}, ...options }: RunOptions = {},
  written = { stdout: '', stderr: '' },
): Context {
  const output = (name: 'stdout' | 'stderr') => ({
    isTTY: terminal,
    columns: 80,
    write: (text: string) => {
      written[name] += text
    },
  })
  return {
    library,
    installer: {
      platform: 'linux',
      arch: 'x64',
      script: () => '/ort/script/install.js',
      run: () => Promise.resolve({ code: 0, errors: '' }),
      missing: () => [],
      clean: () => undefined,
      ...options.installer,
    },
    version: '1.2.3',
    stdout: output('stdout'),
    stderr: output('stderr'),
    environment,
    onInterrupt: options.onInterrupt ?? (() => () => undefined),
  }
}

/** Values that a call was given. */
export function given(calls: FakeLibrary['calls'], name: string): unknown[] {
  return calls.find((call) => call[0] === name)?.slice(1) ?? []
}
