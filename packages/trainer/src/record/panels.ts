/** Sections of the report's curves, in their order, for somebody who sees a run for the first time. */
export const panels = {
  agreement: {
    title: 'Do the answers agree?',
    lead: 'The same question is answered several times. Agreement is what the model is rewarded for, so it should rise; whether the answers are right is another matter.',
  },
  reward: {
    title: 'What is rewarded',
    lead: 'The solver earns for agreeing with itself. The proposer earns for questions that divide the solver without leaving it lost.',
  },
  distance: {
    title: 'How far from the start',
    lead: 'A penalty keeps both roles near the model they began as. Too strong, and nothing changes; too weak, and the language comes apart.',
  },
  length: {
    title: 'How much is written',
    lead: 'Lengths should settle. Shrinking to almost nothing or growing to the limit are both shortcuts.',
  },
  machinery: {
    title: 'The machinery',
    lead: 'For those who tune: these say whether the steps are sound, not whether the model is good.',
  },
} as const
