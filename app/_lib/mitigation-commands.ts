/** The list of a preview's commands in words. Pure. */
import { changesNothing } from '../../core/mitigations/look-ups.ts'
import type { Preview } from '../../core/mitigations/model.ts'
import { plural } from './format.ts'

/** `MEMORY USAGE <each key>`, `MIGRATE … KEYS …`: known only when it is sent. */
const LEFT_OPEN = /<[^>]+>|…/

/** How many, whether they stand there as they are sent, and how many of them only look. */
export function commandsTitle(commands: Preview['commands']): string {
  const isOpen = commands.some(({ command }) => LEFT_OPEN.test(command))
  const sent = isOpen ? 'as sent once <…> and … are filled in' : 'as sent'
  return `${plural(commands.length, 'command')}, ${sent}${shareOfLooks(commands)}`
}

/** Of those that only look, which are most of them. */
function shareOfLooks(commands: Preview['commands']): string {
  const looks = commands.filter(({ command }) => changesNothing(command)).length
  const changes = commands.length - looks
  if (looks === 0) return ''
  return `: ${looks} only ${looks === 1 ? 'looks' : 'look'}, ${changes} ${changes === 1 ? 'changes' : 'change'} something`
}
