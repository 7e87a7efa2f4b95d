/**
 * The verdict in a judge's reply. lmms-eval looks for a "1" anywhere ("10", "2 out of 10" and "0 (not 11)" are right,
 * "Yes" is wrong) or for a reply that starts with "yes"; strictly, the reply must be the verdict and nothing else.
 */
import { strip } from '@evolmm/internal'

/** `undefined` where a strict reading finds no verdict. */
export function judgeVerdict(
  reply: string,
  { form = '0/1', strict }: { form?: '0/1' | 'yes/no'; strict: boolean },
): boolean | undefined {
  const text = strip(reply.toLowerCase())
  const [no, yes] = form.split('/')
  if (strict) return text === yes ? true : text === no ? false : undefined
  return form === '0/1' ? text.includes('1') : text.startsWith('yes')
}
