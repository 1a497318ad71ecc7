"""A minimal training program, for the time from its start to the end of its first update: what train_classifier does
with the options of the classifier suite. Run as `first_update.py THREADS`."""

import sys

import torch
import torch.nn.functional as F
from torchvision.models import resnet18

torch.set_num_threads(int(sys.argv[1]))
network = resnet18(num_classes=10).to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
images = torch.randn(64, 3, 64, 64).contiguous(memory_format=torch.channels_last)
labels = torch.randint(10, (64,))
loss = F.cross_entropy(network(images), labels)
loss.backward()
optimizer.step()
print(f"step 1/1 loss {loss.item():.4f}", flush=True)
