// What went wrong, in words, and what to do about it.

/** A problem for people. `retry`: what the button says; empty when trying again cannot help. */
export interface Words {
  title: string;
  text: string;
  cure: string;
  retry: string;
  /** Nothing went wrong: it is over as it should be. */
  calm?: boolean;
}

/** What the page knows of a problem; an `RtcdnError` fits. */
export interface Trouble {
  reason?: string;
  detail?: string;
  cure?: string;
  status?: number;
  retryAfterS?: number;
  message?: string;
  name?: string;
}

const AGAIN = 'Try again';
const words = (title: string, text: string, cure: string, retry = ''): Words => ({title, text, cure, retry});

const TOO_FAST = words(
  'That was too fast', 'Only so many things per second are taken.', 'Wait a moment, then try again.', AGAIN,
);
const ELSEWHERE = words(
  'You have joined somewhere else',
  'This link is in use in another window or on another device; it counts once.',
  'Close this one, or go on here.',
  'Use it here',
);

const LINKS: Record<string, Words> = {
  'no-link': words(
    'This link is incomplete', 'It names no session, or carries no token.', 'Copy the whole link and open it again.',
  ),
  'no-token': words('This link is incomplete', 'It carries no token.', 'Copy the whole link and open it again.'),
  'bad-token': words('This link is not valid any more', 'Links expire, and can be taken back.', 'Ask for a new link.'),
  'expired': words('This link has expired', 'Links are good for a limited time only.', 'Ask for a new link.'),
  'not-a-client-token': words(
    'This link is for no session', 'It was made for something else.', 'Ask for a participant’s link.',
  ),
  'unknown-participant': words('This link was taken back', '', 'Ask for a new link.'),
  'shared-link': words(
    'This link is for viewers',
    'Many people share it, so nobody can speak with it.',
    'Ask for a speaker’s link of your own.',
  ),
  'unknown-session': words(
    'This session is not open',
    'It has not begun, or it is over.',
    'Check the time and the link.',
    AGAIN,
  ),
  'bad-id': words(
    'This link is damaged', 'The name of its session cannot be right.', 'Copy the whole link and open it again.',
  ),
};

const ENDINGS: Record<string, Words> = {
  'left': {...words('You have left', 'Nobody sees or hears you any more.', '', 'Join again'), calm: true},
  'removed': words(
    'You were removed from this session',
    'A moderator has taken you out.',
    'Ask the organisers if you think that this was a mistake.',
  ),
  'taken-over': ELSEWHERE,
  'wrong-key': ELSEWHERE, // so while the connection was broken
  'closed': {
    ...words('The session is over', 'The organisers have closed it. Thank you for being here.', ''),
    calm: true,
  },
  'connection-lost': words(
    'The connection could not be restored',
    'We tried for two minutes.',
    'Check your network, then join again.',
    'Join again',
  ),
};

const FULL = words(
  'The service is full', 'There is no place for one more at the moment.', 'Try again in a minute.', AGAIN,
);
const CROWD = words('Too many people join from your network at once', '', 'Try again in a few seconds.', AGAIN);
const RECOVERING = words(
  'The service is recovering', 'What runs keeps running; new things wait.', 'Try again in a moment.', AGAIN,
);

const SERVICE: Record<string, Words> = {
  'no-capacity': FULL,
  'gateway-full': FULL,
  'too-many-joins': CROWD,
  'please-wait': words('Many people are joining', '', 'Try again when it is your turn.', AGAIN),
  'too-many-sockets': CROWD,
  'busy': words('The service is busy', '', 'Try again in a few seconds.', AGAIN),
  'store-away': RECOVERING,
  'broker-away': RECOVERING,
  'home-away': RECOVERING,
  'node-away': RECOVERING,
  'transport': words(
    'The service cannot be reached',
    'No answer came from it.',
    'Check your network, then try again.',
    AGAIN,
  ),
  'timeout': words('The service does not answer', 'It took too long.', 'Check your network, then try again.', AGAIN),
  'reconnecting': words('Not now', 'The connection is being restored.', 'Try again when it is back.', AGAIN),
  'offline': words('You are offline', 'Your device has no network.', 'We go on as soon as it is back.', AGAIN),
  'media': words(
    'Media cannot reach you',
    'The service answered, but sound and picture do not get through.',
    'A firewall may block UDP: try another network.',
    AGAIN,
  ),
};

const RIGHTS: Record<string, Words> = {
  'wrong-role': words('You may not do that', 'Your role in this session does not allow it.', 'Ask a moderator.'),
  'forbidden': words('You may not do that', 'Your link does not allow it.', 'Ask for a link with more rights.'),
  'may-not-speak': words(
    'This person may only watch',
    'Their link does not allow them on stage.',
    'Send them a link with the right to speak.',
  ),
  'stage-full': words(
    'The stage is full',
    'Everybody who can be seen at once is on it.',
    'Try again when somebody has left the stage.',
    AGAIN,
  ),
  'demoted': words(
    'A moderator has taken you off the stage',
    'So you cannot go back by yourself.',
    'Raise your hand to be called again.',
  ),
  'may-not-publish': words('You may not go on stage by yourself', '', 'Raise your hand; a moderator may call you.'),
  'may-not-unmute': words('Nobody unmutes another', '', 'Ask them to unmute themselves.'),
  'screen-taken': words(
    'Somebody else shows a screen', 'There is room for one.', 'Try again when they have stopped.', AGAIN,
  ),
  'not-on-stage': words('You are not on stage', '', 'Go on stage first.'),
  'too-many-messages': TOO_FAST,
  'too-many-requests': TOO_FAST,
  'data-too-large': words('That message is too long', '', 'Make it shorter.'),
};

const DEVICES: Record<string, Words> = {
  'media-denied': words(
    'Camera and microphone are blocked',
    'The browser or the system does not let this page use them.',
    'Allow them with the icon beside the address, then try again.',
    AGAIN,
  ),
  'media-missing': words(
    'No camera or microphone was found',
    '',
    'Connect one, then try again. You can also join without.',
    AGAIN,
  ),
  'media-busy': words(
    'The camera or microphone is in use',
    'Another program holds it.',
    'Close that program, then try again.',
    AGAIN,
  ),
  'media-gone': words(
    'That device is gone',
    'It was disconnected, or cannot be used now.',
    'Connect it again, or choose another one.',
    AGAIN,
  ),
  'media-failed': words('Camera or microphone cannot be used', '', 'Try again, or use another browser.', AGAIN),
  'media-insecure': words(
    'This page is not secure', 'Browsers give camera and microphone to https pages only.', 'Open the page with https.',
  ),
};

const BROWSER: Record<string, Words> = {
  'unsupported': words(
    'This browser has no live media',
    'WebRTC is switched off, or missing.',
    'Use a current Chrome, Edge, Firefox or Safari.',
  ),
  'codec-not-carried': words(
    'Your browser cannot take part',
    'It cannot decode the video of this session.',
    'Use a current Chrome, Edge, Firefox or Safari.',
  ),
};

const BY_REASON: Record<string, Words> = {...LINKS, ...ENDINGS, ...SERVICE, ...RIGHTS, ...DEVICES, ...BROWSER};

const BY_DOM_NAME: Record<string, string> = {
  NotAllowedError: 'media-denied',
  SecurityError: 'media-denied',
  NotFoundError: 'media-missing',
  NotReadableError: 'media-busy',
  AbortError: 'media-busy',
  OverconstrainedError: 'media-gone',
};

const BY_STATUS: Record<number, string> = {
  401: 'bad-token',
  403: 'forbidden',
  404: 'unknown-session',
  406: 'codec-not-carried',
  429: 'too-many-joins',
  503: 'busy',
};

/** Words of a reason that the page or the session gave. */
export function wordsOf(reason: string): Words {
  return BY_REASON[reason] ?? words(
    'Something went wrong',
    reason ? `The service said “${reason}”.` : '',
    'Try again.',
    AGAIN,
  );
}

/** Words of an error, whatever it is. `online`: the browser's own view of the network. */
export function wordsOfError(error: unknown, online = true): Words {
  const trouble = (typeof error === 'object' && error !== null ? error : {}) as Trouble;
  const reason = trouble.reason ?? BY_DOM_NAME[trouble.name ?? ''] ?? '';
  if (!online && (reason === 'transport' || reason === 'timeout' || reason === '')) return wordsOf('offline');
  const kind = reason in BY_REASON ? reason : BY_STATUS[trouble.status ?? 0] ?? '';
  const known = BY_REASON[kind];
  if (known) return {
    ...known,
    text: known.text || sentence(trouble.detail),
    cure: known.cure || sentence(trouble.cure),
  };
  const text = sentence(trouble.detail || trouble.message || reason);
  return words('Something went wrong', text, sentence(trouble.cure) || 'Try again.', AGAIN);
}

/** Is every reason in words? For tests. */
export const REASONS: readonly string[] = Object.keys(BY_REASON);

function sentence(text: string | undefined): string {
  const trimmed = (text ?? '').trim();
  if (!trimmed) return '';
  const whole = trimmed.charAt(0).toLocaleUpperCase() + trimmed.slice(1);
  return /[.!?…”]$/.test(whole) ? whole : `${whole}.`;
}
