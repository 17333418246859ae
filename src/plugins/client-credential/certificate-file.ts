import { readFile } from 'node:fs/promises'
import type { AssertionSigner } from './client-assertion.ts'
import { readSigner } from './client-certificate.ts'
import { CredentialError } from './credential-error.ts'

/**
 * A signer from a PEM file: a private key and its certificate.
 *
 * @throws {CredentialError}
 */
export async function signerFromFile(path: string): Promise<AssertionSigner> {
  return readSigner(await readText(path), path)
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CredentialError('file_unreadable', `${path} cannot be read (${code})`)
  }
}
