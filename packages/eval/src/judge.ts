/** A language model that grades answers, or reads the answer out of a text. */
export interface Judge {
  /** Recorded with every score. */
  name: string
  /** The reply to one request. Rejects with `JUDGE_FAILED` when there is none. */
  ask: (request: JudgeRequest) => Promise<string>
}

export interface JudgeRequest {
  /** @default none */
  system?: string | undefined
  user: string
  /** Tokens of the reply. */
  maxTokens: number
  /** Counts repeated questions, which the cache must keep apart. @default 0 */
  attempt?: number | undefined
  signal?: AbortSignal | undefined
}
