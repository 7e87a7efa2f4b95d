/** Programs by key, each built and opened once. */
import type { Graph } from '@evolmm/onnx'
import { EvolmmError } from '../errors'
import { openProgram, type OpenProgramOptions, type Program } from './session'

export interface ProgramTable {
  /**
   * The program of that key, built and opened when it is first asked for. Throws `MODEL_DISPOSED` once the table is closed;
   * so does a program's `run`.
   */
  get: (key: string, build: () => Graph, options?: { prepack?: boolean }) => Promise<Program>
  close: () => Promise<void>
}

export function programTable(options: OpenProgramOptions): ProgramTable {
  const open = new Map<string, Promise<Program>>()
  let closed = false
  const checkOpen = () => {
    if (closed)
      throw new EvolmmError(
        'MODEL_DISPOSED',
        'model: must not be used after dispose(), got a call; load it again',
      )
  }
  const opened = async (graph: Graph, prepack: boolean): Promise<Program> => {
    const program = await openProgram(graph, { ...options, prepack })
    return {
      ...program,
      run: async (feeds) => {
        checkOpen()
        return program.run(feeds)
      },
    }
  }
  return {
    get: (key, build, { prepack = true } = {}) => {
      checkOpen()
      const known = open.get(key)
      if (known !== undefined) return known
      const program = opened(build(), prepack)
      open.set(key, program)
      // What could not be opened, for want of memory say, may be tried again.
      program.catch(() => open.delete(key))
      return program
    },
    close: async () => {
      closed = true
      const programs = await Promise.allSettled(open.values())
      open.clear()
      for (const program of programs) if (program.status === 'fulfilled') await program.value.release()
    },
  }
}
