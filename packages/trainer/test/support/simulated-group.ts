/**
 * Several processes in one: each has its group, and they meet in promises. Values are copied as between processes. Those
 * that do not call the same operations in the same order are told so.
 */
import type { ProcessGroup } from '@evolmm/rl-core'

interface Meeting {
  operation: string
  values: unknown[]
  arrived: number
  all: Promise<unknown[]>
  resolve: (values: unknown[]) => void
  reject: (reason: unknown) => void
}

export function simulatedGroup(size: number): ProcessGroup[] {
  const meetings: Meeting[] = []
  let ended: { reason: unknown } | undefined

  const meet = async (operation: string, rank: number, turn: number, value: unknown): Promise<unknown[]> => {
    if (ended !== undefined) throw ended.reason
    const meeting = (meetings[turn] ??= newMeeting(operation, size))
    if (meeting.operation !== operation)
      throw new Error(`turn ${turn}: ${meeting.operation} elsewhere, ${operation} of rank ${rank}`)
    meeting.values[rank] = structuredClone(value)
    meeting.arrived++
    if (meeting.arrived === size) meeting.resolve(meeting.values)
    return structuredClone(await meeting.all)
  }

  return Array.from({ length: size }, (_, rank): ProcessGroup => {
    let turn = 0
    return {
      rank,
      size,
      async sum(values) {
        const parts = (await meet('sum', rank, turn++, values)) as Float32Array[]
        for (const i of values.keys()) values[i] = parts.reduce((sum, part) => Math.fround(sum + part[i]), 0)
      },
      share: async <T>(value: T) => (await meet('share', rank, turn++, rank === 0 ? value : null))[0] as T,
      gather: async <T>(value: T) => (await meet('gather', rank, turn++, value)) as T[],
      async barrier() {
        await meet('barrier', rank, turn++, null)
      },
      abort(reason) {
        ended ??= { reason }
        for (const { reject } of meetings) reject(reason)
        return Promise.resolve()
      },
    }
  })
}

function newMeeting(operation: string, size: number): Meeting {
  let [resolve, reject]: [Meeting['resolve'], Meeting['reject']] = [() => undefined, () => undefined]
  const all = new Promise<unknown[]>((...given) => {
    ;[resolve, reject] = given
  })
  // Whoever waits is told; nobody need wait.
  all.catch(() => undefined)
  return { operation, values: new Array<unknown>(size), arrived: 0, all, resolve, reject }
}
