// What went wrong, in words, and what to do about it.

/** {title, text, cure, retry}: `retry` false when trying again cannot help. */
const BY_KIND = {
  'bad-token': {title: 'This link is not valid any more', text: 'Links expire, and can be taken back.', cure: 'Ask for a new link.', retry: false},
  'no-token': {title: 'This link is incomplete', text: 'It carries no token.', cure: 'Copy the whole link and open it again.', retry: false},
  'shared-link': {title: 'This link is for viewers', text: 'Many people share it, so nobody can speak with it.', cure: 'Ask for a speaker’s link of your own.', retry: false},
  'codec-not-carried': {title: 'Your browser cannot take part', text: '', cure: 'Use a current Chrome, Edge, Firefox or Safari.', retry: false},
  'wrong-role': {title: 'You are not on the list of speakers', text: 'This link may watch, not speak.', cure: 'Ask to be made a speaker, then try again.', retry: false},
  'stage-full': {title: 'The stage is full', text: 'Everybody who may speak at once is speaking.', cure: 'We try again by ourselves when somebody leaves.', retry: true},
  'no-capacity': {title: 'The service is full', text: 'There is no place for one more now.', cure: 'We try again by ourselves.', retry: true},
  'unknown-participant': {title: 'This link was taken back', text: '', cure: 'Ask for a new link.', retry: false},
  'unsupported': {title: 'This browser has no live media', text: 'It may be switched off, or be missing.', cure: 'Use a current Chrome, Edge, Firefox or Safari.', retry: false},
  'too-many-joins': {title: 'Too many people join from your network at once', text: 'We try again by ourselves.', cure: '', retry: true},
  'store-away': {title: 'The service is recovering', text: 'What runs keeps running; new things wait.', cure: 'We try again by ourselves.', retry: true},
};
const BY_STATUS = {
  401: BY_KIND['bad-token'],
  403: {title: 'This link does not allow that', text: '', cure: 'Ask for a link with more rights.', retry: false},
  404: {title: 'This session is not open', text: 'It has not begun, or it is over.', cure: 'Check the link. We look again every few seconds.', retry: true},
  406: BY_KIND['codec-not-carried'],
  409: {title: 'This is not possible now', text: '', cure: 'We try again by ourselves.', retry: true},
  413: {title: 'Your browser sent too much', text: '', cure: 'Use a current browser.', retry: false},
  429: BY_KIND['too-many-joins'],
  503: {title: 'The service is busy', text: '', cure: 'We try again by ourselves.', retry: true},
};

/** Words for an answer of the gateway. `document` is its problem document, maybe empty. */
export function wordsOfAnswer(status, document) {
  const kind = String(document.type ?? '').split(':').pop();
  const known = BY_KIND[kind] ?? BY_STATUS[status];
  if (!known) return {title: 'Something went wrong', text: document.detail ?? `The service answered ${status}.`, cure: document.cure ?? '', retry: status >= 500};
  return {...known, text: known.text || document.detail || '', cure: known.cure || document.cure || ''};
}

/** Words for no answer at all. */
export function wordsOfSilence() {
  return navigator.onLine
    ? {title: 'The service cannot be reached', text: 'No answer came from it.', cure: 'We try again by ourselves.', retry: true}
    : {title: 'You are offline', text: 'Your device has no network.', cure: 'We go on as soon as it is back.', retry: true};
}

/** Words for a browser without WebRTC. */
export const wordsOfNoWebRtc = () => BY_KIND.unsupported;

/** Words for media that could not connect although the service answered. */
export function wordsOfMedia() {
  return {title: 'Media cannot reach you', text: 'The service answered, but sound and picture do not get through.', cure: 'A firewall may block UDP: try another network. We try again by ourselves.', retry: true};
}

const DEVICES = {
  NotAllowedError: {title: 'Camera and microphone are blocked', text: 'The browser or the system does not let this page use them.', cure: 'Allow them with the icon left of the address, then try again.'},
  NotFoundError: {title: 'No camera or microphone was found', text: '', cure: 'Connect one, then try again.'},
  NotReadableError: {title: 'The camera or microphone is in use', text: 'Another program holds it.', cure: 'Close that program, then try again.'},
  OverconstrainedError: {title: 'That device is gone', text: 'It was chosen before but cannot be used now.', cure: 'Choose another one.'},
  InsecureContext: {title: 'This page is not secure', text: 'Browsers give camera and microphone to https pages only.', cure: 'Open the page with https.'},
};

/** Words for an error of getUserMedia. */
export function wordsOfDevice(error) {
  const known = DEVICES[error.name] ?? {title: 'Camera or microphone cannot be used', text: error.message ?? '', cure: 'Try again, or another browser.'};
  return {...known, retry: true};
}
