/** A text of at most so many characters (UTF-16 code units); a longer one ends in an ellipsis. */
export function clipped(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text
  // Not the first half of a character that takes two.
  return `${text.slice(0, maxChars - 1).replace(/[\ud800-\udbff]$/, '')}…`
}
