import { InvalidArgumentError } from 'commander'

/** A parser of an option that takes a whole number, both ends included. @throws {InvalidArgumentError} */
export function integerIn(min: number, max: number) {
  return (value: string): number => {
    const number = Number(value)
    if (/^\d{1,9}$/.test(value) && number >= min && number <= max) return number
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  }
}
