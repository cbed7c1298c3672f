import Link from 'next/link'
import type { Answer } from '../_lib/answers.ts'
import { withQuery } from '../_lib/urls.ts'
import { KeyName } from './key-name.tsx'

/** The opening sentence, keys set as keys. */
export function AnswerText({ answer }: { answer: Answer }) {
  return answer.parts.map((part) =>
    typeof part === 'string' ? part : <KeyName key={part.key} text={part.key} />,
  )
}

/** The action of an answer as a link that keeps the page's range; nothing where there is none. */
export function AnswerAction({
  answer,
  range,
}: {
  answer: Answer
  range: Record<string, string | undefined>
}) {
  if (answer.action === null) return null
  return (
    <Link prefetch={false} href={withQuery(answer.action.href, range)}>
      {answer.action.label}
    </Link>
  )
}
