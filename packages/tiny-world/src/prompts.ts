/** What the model is asked. The solver is given the question and nothing else. */
export const proposerPrompt = 'Ask a question.'
/** The warm-up alone uses this prompt: reading a chart aloud is learned first and helps the rest along. */
export const describePrompt = 'Describe the chart.'
