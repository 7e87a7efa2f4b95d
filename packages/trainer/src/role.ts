/** The two parts that a backbone plays. */
export type Role = 'proposer' | 'solver'

export const roles: readonly Role[] = ['solver', 'proposer']

/** One value for each role. */
export function perRole<T>(of: (role: Role) => T): Record<Role, T> {
  return { proposer: of('proposer'), solver: of('solver') }
}
