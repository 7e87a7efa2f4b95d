import { spawn } from 'node:child_process'

/** This script in a process of its own, with `--run=JSON`; returns what that sends. */
export function runInChild(run) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [process.argv[1], `--run=${JSON.stringify(run)}`], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    let result
    child.on('message', (message) => {
      result = message
    })
    child.on('error', reject)
    child.on('exit', (code) => {
      if (code === 0 && result !== undefined) resolve(result)
      else reject(new Error(`${run.condition} ${run.seed}: ended with code ${code}`))
    })
  })
}
