/** A reward that differs within every group, whatever is answered: without one there is no advantage, and no pass to measure. */
export const rewardByPlace = (answers) => answers.map((_, place) => place / answers.length)
