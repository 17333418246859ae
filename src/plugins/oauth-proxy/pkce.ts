import { hash, randomBytes } from 'node:crypto'

/** RFC 7636 section 4.1. */
const verifier = /^[A-Za-z0-9._~-]{43,128}$/
/** SHA-256 in base64url: 43 characters, never more or fewer. */
const s256Challenge = /^[A-Za-z0-9_-]{43}$/

/** Whether a text can be an S256 challenge (RFC 7636 section 4.2). */
export function isS256Challenge(text: string): boolean {
  return s256Challenge.test(text)
}

/** A fresh verifier: 256 random bits. */
export function createVerifier(): string {
  return randomBytes(32).toString('base64url')
}

/** The S256 challenge of a verifier. */
export function challengeOf(text: string): string {
  return hash('sha256', text, 'base64url')
}

/** Whether a verifier is well-formed and belongs to the challenge (RFC 7636 section 4.6). */
export function isVerified(text: string, challenge: string): boolean {
  return verifier.test(text) && challengeOf(text) === challenge
}
