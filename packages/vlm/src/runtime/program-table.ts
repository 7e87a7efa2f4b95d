/** Programs by key, each built once and opened as a session of its own. */
import type { Graph } from '@evolmm/onnx'
import { checkOpen } from './check-open'
import { openProgram, type OpenedProgram, type OpenProgramOptions, type Program } from './session'

export interface ProgramTable {
  /**
   * The program of that key, built when it is first asked for, and opened then or when it first runs. Throws `MODEL_DISPOSED` once the table is closed;
   * so does a program's `run`.
   */
  get: (key: string, build: () => Graph, options?: { prepack?: boolean }) => Promise<Program>
  close: () => Promise<void>
}

export function programTable(options: OpenProgramOptions): ProgramTable {
  const open = new Map<string, Promise<OpenedProgram>>()
  let closed = false
  const opened = async (graph: Graph, prepack: boolean): Promise<OpenedProgram> => {
    const program = await openProgram(graph, { ...options, prepack })
    return {
      ...program,
      run: async (feeds) => {
        checkOpen(closed)
        return program.run(feeds)
      },
    }
  }
  return {
    get: (key, build, { prepack = true } = {}) => {
      checkOpen(closed)
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
