import { spawn } from 'node:child_process'

export interface StartedProcess {
  /** Ends the process at once: it has no chance to do anything about it. */
  kill: () => void
  /** How the process ended: `killed`, or its exit code and what it wrote as errors. */
  ended: Promise<string>
}

/** Starts a bundled script as a process of its own. */
export function startProcess(
  file: string,
  args: readonly string[],
  { cwd }: { cwd?: string } = {},
): StartedProcess {
  const child = spawn(process.execPath, [file, ...args], { cwd, stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const ended = new Promise<string>((resolve) => {
    child.on('close', (code, signal) => {
      resolve(signal === 'SIGKILL' ? 'killed' : `${code} ${errors}`)
    })
  })
  return { kill: () => void child.kill('SIGKILL'), ended }
}
