// The peer of bench/api.py: janode asks a node the same question in the same way. Arguments: url token room count flight.
import Janode from 'janode';
import VideoRoom from 'janode/plugins/videoroom';

const [url, token, room, count, flight] = process.argv.slice(2).map((text, place) => (place < 3 ? text : Number(text)));
Janode.Logger.setLevel('none');
const connection = await Janode.connect({is_admin: false, address: {url, token}});
const session = await connection.create();
const handle = await session.attach(VideoRoom);
const took = [];

async function ask(times) {
  for (let n = 0; n < times; n++) {
    const began = performance.now();
    const {participants} = await handle.listParticipants({room});
    if (participants.length !== 0) throw new Error('the room is not empty');
    took.push(performance.now() - began);
  }
}

await ask(300); // warm
took.length = 0;
const cpu = process.cpuUsage();
const began = performance.now();
await Promise.all(Array.from({length: flight}, () => ask(count / flight)));
const seconds = (performance.now() - began) / 1000;
const used = process.cpuUsage(cpu);
took.sort((one, other) => one - other);
console.log(JSON.stringify({
  rate_ps: took.length / seconds,
  p99_ms: took[Math.floor(took.length * 0.99)],
  cpu_us: (used.user + used.system) / took.length,
}));
process.exit(0);
