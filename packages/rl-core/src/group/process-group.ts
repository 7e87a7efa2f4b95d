/**
 * Processes that train one policy together, each on its part of the data.
 *
 * All operations are collective: every process calls the same ones in the same order, also where it has nothing to add.
 * What they return is the same at every process, bit for bit, so that replicas stay replicas.
 */
export interface ProcessGroup {
  /** The place of this process, from 0. */
  readonly rank: number
  /** The number of processes. */
  readonly size: number
  /** Replaces `values`, equally long everywhere, by their sum over all processes, added in the order of the ranks. */
  sum(values: Float32Array): Promise<void>
  /** The value that the process of rank 0 has, for all; what the others pass is ignored. Values are plain data. */
  share<T>(value: T): Promise<T>
  /** The value of each process, in the order of the ranks, for all. Values are plain data. */
  gather<T>(value: T): Promise<T[]>
  /** Waits until every process is here. */
  barrier(): Promise<void>
  /** Ends the group, because this process cannot go on: whoever waits for it must not wait for ever. */
  abort(reason: unknown): Promise<void>
}
