import { readFileSync } from 'node:fs'
import { OperatorError } from '../scripts/shared/operator-error.ts'

/** Somebody who calls. */
export interface LoadUser {
  /** Never printed. */
  readonly token: string
  /** The object id that their answers must name, where the tenant writes it into them. */
  readonly reader: string | undefined
}

/** @param namesReader whether the tenant writes into its answers who reads them */
export function userOf(token: string, namesReader: boolean): LoadUser {
  return { token, reader: namesReader ? objectIdOf(token) : undefined }
}

/**
 * Users of a file with one token a line; empty lines do not count.
 *
 * @throws {OperatorError} which names lines by their number, and holds nothing of what they hold
 */
export function readTokenFile(file: string): string[] {
  const lines = readLines(file)
  const tokens = lines.map((line) => line.trim())
  const bad = tokens.findIndex((token) => token !== '' && !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token))
  if (bad >= 0)
    throw new OperatorError(`Line ${bad + 1} of ${file} is not a token.`, 'It takes one access token a line.')
  const given = tokens.filter((token) => token !== '')
  if (given.length === 0) throw new OperatorError(`${file} holds no token.`, 'It takes one access token a line.')
  return given
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch (error) {
    throw new OperatorError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}.`, 'Name another file.')
  }
}

/** The `oid` of a token, which nobody here has to prove. */
function objectIdOf(token: string): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { oid?: unknown }
    return typeof claims.oid === 'string' ? claims.oid : undefined
  } catch {
    return undefined
  }
}
