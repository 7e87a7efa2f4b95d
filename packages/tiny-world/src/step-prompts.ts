/** What M-STaR asks in the world of charts: its own wording takes a hundred and more tokens of the tiny tokenizer. */

/** A run of M-STaR takes this as its `question_prompt`. */
export const stepQuestionPrompt = '{question}\nThink in steps.'
/** A run that gives answers takes this as its `rationale_prompt`. */
export const stepRationalePrompt = '{question}\nExplain why it is {answer}.'
