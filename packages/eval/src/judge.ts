/** A model that is asked about an answer. */
export interface Judge {
  /** Stored with every score. */
  name: string
  ask: (prompt: string, options?: { maxTokens?: number; signal?: AbortSignal | undefined }) => Promise<string>
}
