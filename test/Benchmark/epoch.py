"""One epoch of snnTorch's tutorial on population codes: epoch.py --threads=2. Prints {"epoch_s", "loss", "transforms"}.

The network, the transforms and the DataLoader are the tutorial's, the loop is that of tutorial 5 (backprop.BPTT, which the
other one calls, is slower). torchvision's FashionMNIST and
transforms are used where torchvision can be imported and otherwise stand here, on PIL as they do: each sample becomes
an image, is resized (to the size that it has), made grey, a tensor, and normalized.
"""
import argparse
import json
import time

import numpy as np
import torch
from torch import nn

import workloads


def torchvision_transforms():
    try:
        from torchvision import transforms
    except (ImportError, RuntimeError):  # RuntimeError: torchvision is of another build than torch
        return None
    return transforms.Compose([transforms.Resize((28, 28)), transforms.Grayscale(), transforms.ToTensor(),
                               transforms.Normalize((0,), (1,))])


def pil_transforms(image):
    from PIL import Image

    if image.size != (28, 28):
        image = image.resize((28, 28), Image.BILINEAR)
    image = image.convert("L")
    x = torch.from_numpy(np.array(image, np.uint8, copy=True)).view(28, 28, 1).permute(2, 0, 1).contiguous()
    x = x.to(torch.get_default_dtype()).div(255)
    mean, std = (torch.as_tensor(value, dtype=x.dtype).view(-1, 1, 1) for value in ((0.0,), (1.0,)))
    return x.clone().sub_(mean).div_(std)


class FashionMNIST(torch.utils.data.Dataset):
    def __init__(self, transform):
        images, labels = workloads.fashion(None)
        self.data, self.targets = torch.from_numpy(images.copy()), torch.from_numpy(labels)
        self.transform = transform

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        from PIL import Image

        return self.transform(Image.fromarray(self.data[index].numpy())), int(self.targets[index])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    import snntorch as snn
    from snntorch import surrogate, utils
    from snntorch import functional as SF

    transform = torchvision_transforms()
    loader = torch.utils.data.DataLoader(FashionMNIST(transform or pil_transforms), batch_size=128, shuffle=True)
    lif = lambda **more: snn.Leaky(beta=0.9, spike_grad=surrogate.fast_sigmoid(slope=25), init_hidden=True, **more)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), lif(), nn.Linear(128, 500), lif(output=True))
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.9, 0.999))
    loss_of = SF.mse_count_loss(correct_rate=1.0, incorrect_rate=0.0, population_code=True, num_classes=10)
    start = time.perf_counter()
    losses = []
    for images, targets in loader:
        net.train()
        utils.reset(net)
        spikes, _ = net(images)
        loss = loss_of(spikes.unsqueeze(0), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    seconds = time.perf_counter() - start
    print(json.dumps({"epoch_s": seconds, "loss": sum(losses) / len(losses),
                      "transforms": "torchvision's" if transform else "on PIL, as torchvision's"}))


if __name__ == "__main__":
    main()
