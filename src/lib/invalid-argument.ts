import { Failure } from '../errors/index.ts'

/** A Failure for an argument that its schema cannot judge. */
export function invalidArgument(argument: string, takes: string): Failure {
  return new Failure('invalid_input', { detail: `"${argument}" takes ${takes}.` })
}
