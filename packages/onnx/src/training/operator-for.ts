/** Custom ops with constants in their body: equal constants share one operator, and so one function in each graph. */
import type { Tensor } from '../graph/graph'

type Operator = (...inputs: Tensor[]) => Tensor[]

/** `make`, which is called once for each list of constants. */
export function operatorFor<Constants extends readonly (string | number | boolean | undefined)[]>(
  make: (...constants: Constants) => Operator,
): (...constants: Constants) => Operator {
  const operators = new Map<string, Operator>()
  return (...constants) => {
    const key = constants.join()
    const operator = operators.get(key) ?? make(...constants)
    operators.set(key, operator)
    return operator
  }
}
