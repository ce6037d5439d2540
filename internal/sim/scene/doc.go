// Package scene is what every simulation of brokers and clients has beside time and machines: one network, the history
// that clients write, what was found wrong, and which states were reached. It knows neither brokers nor clients.
//
// Start with World.
package scene
