/** Signs of collapse in words. */
import type { Alarm } from '@evolmm/rl-core'

const texts: Readonly<Record<Alarm, { title: string; note: string }>> = {
  entropy: {
    title: 'Answers hardly differ any more',
    note: 'Their entropy has been next to 0 for many iterations: there is little left to learn from.',
  },
  'reward-variance': {
    title: 'All rewards are equal',
    note: 'For many iterations nothing was better than anything else, so nothing was learned.',
  },
  'constant-answers': {
    title: 'The same answers, whatever the picture',
    note: 'One answer has taken over some questions. Agreement looks good then, and the model does not look.',
  },
  kl: {
    title: 'Far from the start',
    note: 'A policy has moved a long way from the model it began as.',
  },
  'unlikely-questions': {
    title: 'Questions that the first model would hardly ask',
    note: 'The proposer may have found a way to earn reward without asking anything sensible.',
  },
}

export const alarmTexts: ReadonlyMap<string, { title: string; note: string }> = new Map(Object.entries(texts))
