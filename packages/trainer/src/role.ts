import { checkFunction } from '@evolmm/internal'

/** The parts that a backbone plays. */
export const roles = ['solver', 'proposer'] as const

export type Role = (typeof roles)[number]

/** One value for each role. */
export function perRole<T>(of: (role: Role) => T): Record<Role, T> {
  checkFunction('of', of)
  return Object.fromEntries(roles.map((role) => [role, of(role)])) as Record<Role, T>
}

/** One value for each role, made one after the other. */
export async function perRoleInTurn<T>(of: (role: Role) => Promise<T>): Promise<Record<Role, T>> {
  const values: [Role, T][] = []
  for (const role of roles) values.push([role, await of(role)])
  return Object.fromEntries(values) as Record<Role, T>
}
