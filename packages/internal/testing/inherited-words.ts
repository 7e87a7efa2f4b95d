/**
 * The names that every plain object answers to, such as "constructor" and `__proto__`, each beside a word of the same
 * form that none does: what reads texts must treat the two alike. They differ in a letter that is rare in answers.
 */
export const inheritedWords: readonly (readonly [word: string, plain: string])[] = Object.getOwnPropertyNames(
  Object.prototype,
).map((word) => [word, word.replace(/[cfghlpv]/, 'z')])
