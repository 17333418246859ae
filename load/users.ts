import { readFileSync } from 'node:fs'
import { decodeJwt } from 'jose'
import { OperatorError } from '../scripts/shared/operator-error.ts'

/** A caller. */
export interface LoadUser {
  /** Never printed. */
  readonly token: string
  /** The object id that this user's responses must name, where the tenant writes it into them. */
  readonly reader: string | undefined
}

/** @param namesReader whether the tenant writes into its responses who reads them */
export function createUser(token: string, namesReader: boolean): LoadUser {
  const oid = namesReader ? decodeJwt(token)['oid'] : undefined
  return { token, reader: typeof oid === 'string' ? oid : undefined }
}

/**
 * Reads a file with one token a line; empty lines are ignored.
 *
 * @throws {OperatorError} which names lines by number, and nothing of their content
 */
export function readTokenFile(file: string): string[] {
  const next = 'Give one access token a line.'
  const lines = readLines(file).map((line) => line.trim())
  const invalid = lines.findIndex((line) => line !== '' && !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(line))
  if (invalid >= 0) throw new OperatorError(`Line ${invalid + 1} of ${file} is not a token.`, next)
  const tokens = lines.filter((line) => line !== '')
  if (tokens.length === 0) throw new OperatorError(`${file} holds no token.`, next)
  return tokens
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch (error) {
    throw new OperatorError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}.`, 'Name another file.')
  }
}
