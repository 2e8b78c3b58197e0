// Devices of a page under test, in place of the browser's own: a coloured moving picture and a tone of one's own.
// `window.fakeDevices = {hz, hue, width, height, fps, label}` is set before this script runs.
(() => {
  const wanted = {hz: 440, hue: 0, width: 640, height: 360, fps: 10, label: '', ...window.fakeDevices};
  const picture = (width, height, hue, label) => {
    const canvas = Object.assign(document.createElement('canvas'), {width, height});
    const context = canvas.getContext('2d', {alpha: false});
    let count = 0;
    const draw = () => {
      context.fillStyle = `hsl(${hue} 60% 35%)`;
      context.fillRect(0, 0, width, height);
      context.fillStyle = `hsl(${hue} 90% 80%)`;
      context.beginPath();
      context.arc(width / 2 + Math.cos(count / 8) * width / 4, height / 2 + Math.sin(count / 8) * height / 4, height / 8, 0, 7);
      context.fill();
      context.font = `${height / 10}px sans-serif`;
      context.fillText(`${label} ${count++}`, height / 20, height / 7);
    };
    draw();
    setInterval(draw, 1000 / wanted.fps);
    return canvas.captureStream(wanted.fps).getVideoTracks()[0];
  };
  let audio = null;
  const tone = () => {
    audio ??= new AudioContext();
    audio.resume();
    const oscillator = new OscillatorNode(audio, {frequency: wanted.hz});
    const gain = new GainNode(audio, {gain: 0.3});
    const out = audio.createMediaStreamDestination();
    oscillator.connect(gain).connect(out);
    oscillator.start();
    return out.stream.getAudioTracks()[0];
  };
  navigator.mediaDevices.getUserMedia = async constraints => {
    const tracks = [];
    if (constraints.audio) tracks.push(tone());
    if (constraints.video) tracks.push(picture(wanted.width, wanted.height, wanted.hue, wanted.label));
    return new MediaStream(tracks);
  };
  navigator.mediaDevices.getDisplayMedia = async () =>
    new MediaStream([picture(1280, 720, (wanted.hue + 180) % 360, `screen of ${wanted.label}`)]);
})();
